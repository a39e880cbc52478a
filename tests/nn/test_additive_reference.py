"""The reference form takes the step of the released code: its loss, written out, by autograd and torch's Adam."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from plastic_rl.nn import AdditiveOptimizer
from plastic_rl.nn.additive import AdditiveDecomposition
from plastic_rl.nn.additive.reference import ReferenceLayer
from tests.nn.additive_tasks import decomposed, learn, mlp, recalled

LAMBDA1, LAMBDA2, DECAY, RATE = 4e-3, 10.0, 1e-2, 1e-2


def bare(**settings) -> tuple[nn.Linear, AdditiveDecomposition, AdditiveOptimizer]:
    """A layer without anything of its own, so that every number is a factor's."""
    torch.manual_seed(0)
    network = nn.Linear(3, 4, bias=False, dtype=torch.float64)
    settings = {
        "sparsity": LAMBDA1,
        "drift": LAMBDA2,
        "weight_decay": DECAY,
        "reference": True,
        "heads": [],
        **settings,
    }
    tasks = AdditiveDecomposition(network, **settings)
    return network, tasks, AdditiveOptimizer(torch.optim.SGD(network.parameters(), lr=RATE), decomposition=tasks)


def factors(layer: ReferenceLayer) -> list[Tensor]:
    """Copies of σ, and of τ and v of each task, that autograd can follow."""
    parts = [layer.shared, *(part for one in layer.factors.values() for part in (one.tau, one.logit))]
    return [part.clone().requires_grad_() for part in parts]


def released_loss(leaves: list[Tensor], targets: list[Tensor | None], learner: int, x: Tensor, y: Tensor) -> Tensor:
    shared, *rest = leaves
    loss = torch.zeros((), dtype=torch.float64)
    for number, (tau, logit) in enumerate(zip(rest[::2], rest[1::2], strict=True)):
        theta = shared * logit.sigmoid()[:, None] + tau
        loss = loss + LAMBDA1 * tau.abs().sum()
        if number == learner:
            loss = loss + (x @ theta.T - y).square().mean() + DECAY / 2 * (tau.square().sum() + logit.square().sum())
        else:
            loss = loss + LAMBDA2 / 2 * (targets[number] - theta).square().sum()
    return 10 * (loss + (DECAY / 2 * shared.square().sum() if len(rest) == 2 else 0))


@pytest.mark.parametrize("count", [1, 3])
def test_five_steps_are_those_of_autograd_and_adam_on_the_whole_loss(count: int):
    network, tasks, optimizer = bare()
    for _ in range(count - 1):
        tasks.new_task()
    (layer,), learner = tasks.layers, count - 1
    assert isinstance(layer, ReferenceLayer)
    leaves, targets = factors(layer), [one.target for one in layer.factors.values()]
    adam = torch.optim.Adam(leaves, lr=RATE)
    source = torch.Generator().manual_seed(1)
    for _ in range(5):
        x, y = (torch.randn(6, size, generator=source, dtype=torch.float64) for size in (3, 4))
        for side, loss in (
            (optimizer, (network(x) - y).square().mean()),
            (adam, released_loss(leaves, targets, learner, x, y)),
        ):
            side.zero_grad()
            loss.backward()
            side.step()
    for mine, expected in zip(factors(layer), leaves, strict=True):
        torch.testing.assert_close(mine, expected)


def test_a_task_starts_with_own_weights_equal_to_the_shared_ones_and_masks_around_one_half():
    network, tasks, _ = bare()
    (layer,) = tasks.layers
    assert isinstance(layer, ReferenceLayer)
    first = layer.factors[0]
    assert torch.equal(first.tau, layer.shared)
    assert first.logit.abs().max() <= 2
    torch.testing.assert_close(network.weight.detach(), layer.shared * (1 + first.logit.sigmoid()[:, None]))


def test_small_own_weights_count_as_zero_when_a_task_is_recalled_and_counted_but_not_while_it_learns():
    network, tasks, _ = bare(heads=[])
    (layer,) = tasks.layers
    assert isinstance(layer, ReferenceLayer)
    layer.factors[0].tau = torch.tensor([[LAMBDA1 / 2, LAMBDA1 * 2, -LAMBDA1 * 2]] * 4, dtype=torch.float64)
    base = layer.theta(0) - layer.starting_theta(0)
    torch.testing.assert_close(base, torch.tensor([[-LAMBDA1 / 2, 0.0, 0.0]] * 4, dtype=torch.float64))
    assert layer.counts(None)["own"] == 8
    tasks.new_task()
    tasks.task(0)
    assert torch.equal(network.weight.detach(), layer.theta(0))


def test_consolidation_moves_what_agrees_into_the_groups_midrange():
    _, tasks, _ = bare(spread=0.1, every=100, groups=50)
    tasks.new_task()
    (layer,) = tasks.layers
    assert isinstance(layer, ReferenceLayer)
    layer.factors[0].tau = torch.tensor([[1.0, 0.5, 0.0]] * 4, dtype=torch.float64)
    layer.factors[1].tau = torch.tensor([[1.08, -0.5, 0.0]] * 4, dtype=torch.float64)
    tasks.settings = replace(tasks.settings, groups=1, every=2)
    tasks.consolidate()
    ((label, shared),) = layer.groups.items()
    torch.testing.assert_close(shared, torch.tensor([[1.04, 0.0, 0.0]] * 4, dtype=torch.float64))
    assert [one.group for one in layer.factors.values()] == [label, label]
    assert layer.factors[0].tau.tolist() == [[0.0, 0.5, 0.0]] * 4


def test_old_tasks_are_recalled_roughly_and_others_survive_forgetting():
    network = mlp()
    tasks, optimizer = decomposed(network, reference=True, sparsity=1e-4, drift=100.0)
    for number in range(3):
        learn(network, optimizer, number, steps=20)
        tasks.new_task()
    said = [recalled(tasks, name) for name in range(3)]
    learn(network, optimizer, 3, steps=20)
    errors = [(recalled(tasks, name) - before).abs().max().item() for name, before in enumerate(said)]
    assert 0 < max(errors) < 0.2 * said[0].abs().max()
    kept = recalled(tasks, 2)
    tasks.forget(1)
    assert torch.equal(recalled(tasks, 2), kept)
    assert tasks.layers[0].tasks == [0, 2, 3]


def test_a_saved_state_goes_on_identically():
    pairs = []
    for seed in (0, 1):
        network = mlp(seed=seed)
        pairs.append((network, *decomposed(network, reference=True, sparsity=1e-3, drift=10.0, every=1)))
    (network, tasks, optimizer), (other, its, other_optimizer) = pairs
    for number in range(2):
        learn(network, optimizer, number)
        tasks.new_task()
    learn(network, optimizer, 2)
    other.load_state_dict(network.state_dict())
    other_optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))  # torch takes the very tensors over
    learn(network, optimizer, 3)
    learn(other, other_optimizer, 3)
    for name in tasks.tasks:
        assert torch.equal(recalled(tasks, name), recalled(its, name))
