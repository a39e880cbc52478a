"""What makes training local: graphs end at a block, one forward pass, one target, memory that ignores depth."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from benchmarks.hsic import network as deep_network
from benchmarks.hsic import saved_by_backprop, saved_by_trainer
from plastic_rl.nn import DivisiveNorm, LocalHSIC, OneHot
from plastic_rl.nn.local import choices, find_blocks, objectives
from tests.nn.local_networks import CLASSES, are_equal, clusters, convnet, images, mlp, normed, numbers, trainer

SGD = partial(torch.optim.SGD, lr=0.05, momentum=0.9)


def leaves(tensor: torch.Tensor) -> set[int]:
    """The parameters that the graph of a tensor ends in."""
    found, seen, waiting = set(), set(), [tensor.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found.add(id(node.variable))
        waiting += [following for following, _ in node.next_functions]
    return found


@pytest.mark.parametrize("estimator", choices.OBJECTIVES)
def test_the_graph_of_a_loss_ends_in_its_own_block(estimator: str):
    local = trainer(normed(16, 16, 16), estimator=estimator)
    inputs, labels = clusters(32)
    losses = [loss for _, loss in local.local_losses(inputs, local.encoder(labels))]
    for loss, block, objective in zip(losses, local.trunk.blocks, local.objectives, strict=True):
        own = {id(parameter) for parameter in [*block.parameters(), *objective.parameters()]}
        found = leaves(loss)
        assert found <= own
        assert {id(parameter) for parameter in block.parameters()} <= found


def test_inputs_with_a_history_are_left_alone():
    local, (inputs, labels) = trainer(readout="softmax"), clusters(16)
    inputs.requires_grad_()
    local.update(inputs * 2, labels)
    assert inputs.grad is None


def test_the_graph_of_the_whole_crosses_blocks_and_the_inspection_sees_it():
    network = mlp()
    assert leaves(network(clusters(8)[0]).sum()) == {id(parameter) for parameter in network.parameters()}


def test_a_block_learns_what_it_would_learn_from_the_undetached_loss():
    local = trainer(
        normed(16, 16), estimator="normalized_hsic", optimizer=partial(torch.optim.SGD, lr=1.0), readout=None
    )
    inputs, labels = clusters(32)
    before = [parameter.detach().clone() for parameter in local.trunk.blocks[1].parameters()]
    shared = local.objectives[0].prepare(inputs, local.encoder(labels))
    whole = local.objectives[1](local.trunk.blocks[1](local.trunk.blocks[0](inputs)), shared)
    expected = torch.autograd.grad(whole, list(local.trunk.blocks[1].parameters()))
    local.update(inputs, labels)
    for parameter, old, gradient in zip(local.trunk.blocks[1].parameters(), before, expected, strict=True):
        torch.testing.assert_close(parameter.detach(), old - gradient)


@pytest.mark.parametrize("estimator", ["normalized_hsic", "ridge"])
def test_each_block_runs_once_and_the_shared_part_is_made_once(estimator: str, monkeypatch: pytest.MonkeyPatch):
    local, calls, prepared = trainer(normed(16, 16, 16), estimator=estimator), [], []
    for place, block in enumerate(local.trunk.blocks):
        block.register_forward_hook(lambda *_, place=place: calls.append(place))
    kind = type(local.objectives[0])
    plain = kind.prepare
    monkeypatch.setattr(kind, "prepare", lambda self, *given: prepared.append(self) or plain(self, *given))
    local.update(*clusters(32))
    assert calls == [0, 1, 2]
    assert prepared == [local.objectives[0]]


def test_kernels_of_inputs_and_targets_are_made_once_for_all_blocks(monkeypatch: pytest.MonkeyPatch):
    made, plain = [], objectives.gaussian_kernel
    monkeypatch.setattr(objectives, "gaussian_kernel", lambda x, sigma: made.append(x.shape[1]) or plain(x, sigma))
    trainer(normed(16, 17, 18), estimator="normalized_hsic").update(*clusters(32))
    assert made == [12, 4, 16, 17, 18]


@pytest.mark.parametrize("estimator", ["normalized_hsic", "linear_hsic", "ridge"])
def test_saved_activations_do_not_grow_with_depth(estimator: str):
    shallow, deep = (saved_by_trainer(depth, 32, estimator, width=64) for depth in (3, 24))
    assert shallow > 0
    assert deep <= shallow
    backprop = [saved_by_backprop(deep_network(depth, 64), 32) for depth in (3, 24)]
    assert backprop[1] > 3 * backprop[0]


def test_saved_activations_are_a_tenth_of_backprops_at_32_blocks():
    whole = nn.Sequential(deep_network(32, 512), nn.Linear(512, 10))
    assert saved_by_backprop(whole, 256) >= 10 * saved_by_trainer(32, 256, "normalized_hsic")


def test_momentum_is_real():
    # The same gradient twice: the second step is 1.9 times the first.
    local = trainer(mlp(8), optimizer=lambda p: torch.optim.SGD(p, lr=1e-6, momentum=0.9), readout=None, horizon=1.0)
    inputs, labels = clusters(64)
    places = [local.trunk.blocks[0][0].weight.detach().clone()]
    for _ in range(2):
        local.update(inputs, labels)
        places.append(local.trunk.blocks[0][0].weight.detach().clone())
    torch.testing.assert_close(places[2] - places[1], 1.9 * (places[1] - places[0]), rtol=0.02, atol=1e-7)


def test_gradients_are_let_go_after_the_step():
    local = trainer(readout="softmax")
    local.update(*clusters(32))
    assert [parameter.grad for parameter in local.parameters() if parameter.grad is not None] == []


def test_the_network_is_trained_in_place():
    network = mlp()
    before = numbers(network)
    local = trainer(network)
    local.update(*clusters(32))
    assert not are_equal(before, numbers(network))
    torch.testing.assert_close(network(clusters(5)[0]), local.features(clusters(5)[0])[-1])


def test_construction_draws_nothing_and_changes_nothing():
    network = normed(16, 16)
    before, stream = numbers(network), torch.get_rng_state()
    trainer(network)
    assert are_equal(before, numbers(network))
    assert torch.equal(stream, torch.get_rng_state())
    assert all(module.training for module in network.modules())


@pytest.mark.parametrize("estimator", ["ridge", "prediction"])
def test_batches_of_one_and_of_changing_size(estimator: str):
    local, start = trainer(estimator=estimator), 0
    inputs, labels = clusters(63)
    for size in (1, 2, 4, 8, 16, 32):
        loss = local.update(inputs[start : start + size], labels[start : start + size])
        start += size
        assert loss.isfinite()
    assert local.predict(inputs).shape == (63,)
    assert all(parameter.isfinite().all() for parameter in local.parameters())


@pytest.mark.parametrize("estimator", choices.OBJECTIVES)
def test_convolutional_and_residual_blocks(estimator: str):
    pictures, labels = images(32)
    local = LocalHSIC(convnet(), pictures[:1], target_encoder=OneHot(CLASSES), estimator=estimator)
    assert local.widths == [36, 36, 10]
    before = [numbers(block) for block in local.trunk.blocks]
    for _ in range(2):  # a probe that begins at zero sends nothing back at first
        assert local.update(pictures, labels).isfinite()
    assert not any(are_equal(old, numbers(block)) for old, block in zip(before, local.trunk.blocks, strict=True))


def test_double_precision():
    local = LocalHSIC(mlp().double(), torch.zeros(1, 12).double(), target_encoder=OneHot(CLASSES))
    inputs, labels = clusters(32)
    assert local.update(inputs.double(), labels).dtype == torch.float64
    assert local.predict(inputs.double()).shape == (32,)


def test_blocks_are_cut_before_weights():
    network = nn.Sequential(nn.Flatten(), mlp(8, 6), nn.Dropout(0.1), nn.Linear(6, 2))
    kinds = [
        [type(layer).__name__ for layer in block] if isinstance(block, nn.Sequential) else [type(block).__name__]
        for block in find_blocks(network)
    ]
    assert kinds == [
        ["Flatten", "Linear", "LayerNorm", "ReLU"],
        ["Linear", "LayerNorm", "ReLU", "Dropout"],
        ["Linear"],
    ]


def test_divisive_normalisation_begins_a_block():
    network = nn.Sequential(nn.Linear(12, 8), nn.ReLU(), DivisiveNorm(4), nn.Linear(8, 8), nn.ReLU())
    assert [len(block) for block in find_blocks(network)] == [2, 3]


def test_blocks_that_are_given_stay_as_they_are():
    blocks = [mlp(8), mlp(6)]
    assert find_blocks(blocks) == blocks


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.LSTM(3, 4), "LSTM is no nn.Sequential; give its blocks as a list"),
        ([nn.Linear(3, 3), nn.ReLU()], r"blocks without anything to train: \[1\]"),
        ([], "there are no blocks at all"),
        (nn.Sequential(nn.ReLU()), r"blocks without anything to train: \[0\]"),
    ],
)
def test_what_cannot_be_trained_is_refused(network, message: str):
    with pytest.raises(ValueError, match=message):
        find_blocks(network)


def test_unknown_names_and_settings_are_refused():
    with pytest.raises(ValueError, match=r"estimator must be one of ridge, normalized_hsic, hsic, .*; got 'cka'"):
        trainer(estimator="cka")
    with pytest.raises(
        ValueError, match="readout must be one of ridge, assignment, class_means, softmax; got 'linear'"
    ):
        trainer(readout="linear")
    with pytest.raises(TypeError, match='estimator="ridge" has no sigma; it has ridge, horizon'):
        trainer(estimator="ridge", sigma=5.0)


def test_what_is_trained_can_be_chosen():
    local = trainer(readout="softmax", optimizer=SGD)
    trunk, head = local.trunk.blocks, local.readout
    before = numbers(trunk), numbers(head)
    local.update(*clusters(32), readout=False)
    assert not are_equal(before[0], numbers(trunk))
    assert are_equal(before[1], numbers(head))
    before = numbers(trunk)
    loss = local.update(*clusters(32), trunk=False)
    assert are_equal(before, numbers(trunk))
    assert loss == torch.stack(local.losses).mean()


def test_a_frozen_trunk_leaves_running_statistics_alone():
    local = trainer(normed(16, 16), readout="softmax")
    before = numbers(local.trunk.blocks)
    local.update(*clusters(32), trunk=False)
    local.predict(clusters(32)[0])
    assert are_equal(before, numbers(local.trunk.blocks))
    assert all(module.training for module in local.trunk.blocks.modules())


def test_metrics_name_the_blocks():
    local = trainer()
    assert local.metrics() == {}
    loss = local.update(*clusters(32))
    assert list(local.metrics()) == ["local/loss/0", "local/loss/1", "local/loss/2"]
    assert sum(local.metrics().values()) / 3 == pytest.approx(loss.item())
