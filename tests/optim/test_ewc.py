"""Weights that are drawn back to where earlier tasks left them: by hand, as a term in the loss, off and saved."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from plastic_rl.optim import ElasticWeightConsolidation, L2Transfer
from plastic_rl.optim.ewc import fisher_diagonal
from tests.optim.networks import OPTIMIZERS, are_equal, mlp, numbers, step, train

METHODS = [ElasticWeightConsolidation, L2Transfer]


def weights(*values: float) -> nn.Parameter:
    return nn.Parameter(torch.tensor(values))


def slopes_of(parameter: Tensor, *slopes: list[float]):
    """Losses whose gradients are given."""
    return ((torch.tensor(slope) * parameter).sum() for slope in slopes)


def example_losses(network: nn.Module):
    return (network(x).square().sum() for x in torch.eye(6).split(1))


def test_the_fisher_information_is_the_mean_of_squared_slopes():
    theta, other = weights(1.0, 2.0), weights(5.0)
    fisher, untouched = fisher_diagonal(slopes_of(theta, [1.0, 0.0], [3.0, -4.0]), [theta, other])
    assert fisher.tolist() == [(1 + 9) / 2, (0 + 16) / 2]
    assert untouched.tolist() == [0.0]


def test_no_example_is_refused():
    with pytest.raises(ValueError, match="needs an example or more"):
        fisher_diagonal(iter([]), [weights(1.0)])


def test_two_tasks_by_hand():
    """Left at 1 with F = 4 and at 3 with F = 12: the gradient at 2 is λ (4 · (2 - 1) + 12 · (2 - 3)) = 0.5 · -8."""
    theta = weights(1.0)
    optimizer = ElasticWeightConsolidation(torch.optim.SGD([theta], lr=0.1), strength=0.5)
    optimizer.consolidate(slopes_of(theta, [2.0]))
    theta.data.fill_(3.0)
    optimizer.consolidate(slopes_of(theta, [12.0**0.5]))
    theta.data.fill_(2.0)
    optimizer.zero_grad()
    assert theta.grad is not None
    assert theta.grad.item() == pytest.approx(-4.0)
    optimizer.step()
    assert theta.item() == pytest.approx(2.4)
    # The penalty is one quadratic around (4 · 1 + 12 · 3) / 16 = 2.5, but for a constant.
    assert optimizer.penalty() == pytest.approx(0.5 * 0.5 * 16 * 0.1**2, abs=1e-6)


def test_what_no_task_needed_is_free():
    theta = weights(1.0, 1.0)
    optimizer = ElasticWeightConsolidation(torch.optim.SGD([theta], lr=0.1), strength=10.0)
    optimizer.consolidate(slopes_of(theta, [1.0, 0.0]))
    theta.data.fill_(2.0)
    optimizer.zero_grad()
    assert theta.grad is not None
    assert theta.grad.tolist() == [10.0, 0.0]


def test_l2_transfer_knows_the_last_task_only():
    theta = weights(1.0, 1.0)
    optimizer = L2Transfer(torch.optim.SGD([theta], lr=0.1), strength=0.5)
    for value in (1.0, 3.0):
        theta.data.fill_(value)
        optimizer.consolidate()
    theta.data.fill_(7.0)
    optimizer.zero_grad()
    assert theta.grad is not None
    assert theta.grad.tolist() == [2.0, 2.0]
    assert optimizer.penalty() == 0.5 * 0.5 * 2 * 16
    assert optimizer.metrics() == {"anchor/tasks": 2, "anchor/penalty": 8.0}


@pytest.mark.parametrize("method", METHODS)
def test_it_is_as_good_as_a_term_in_the_loss_clipping_included(method: type):
    network = mlp()
    optimizer = method(torch.optim.SGD(network.parameters(), lr=0.1), strength=3.0)
    optimizer.consolidate(example_losses(network))
    train(network, optimizer, 3)
    written = copy.deepcopy(network)
    importances, centres = optimizer.memory["importances"], optimizer.memory["centres"]
    terms = (
        (importance * (weight - centre).square()).sum()
        for weight, importance, centre in zip(written.parameters(), importances, centres, strict=True)
    )
    (written(torch.ones(4, 6)).square().mean() + 1.5 * torch.stack(list(terms)).sum()).backward()
    optimizer.zero_grad()
    network(torch.ones(4, 6)).square().mean().backward()
    norms = [nn.utils.clip_grad_norm_(each.parameters(), 0.01) for each in (network, written)]
    assert norms[0] > 0.01
    for ours, theirs in zip(network.parameters(), written.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize("kind", ["momentum", "adam"])
@pytest.mark.parametrize("method", METHODS)
def test_off_means_gone(method: type, kind: str):
    results = []
    for wraps in (partial(method, strength=0.0), lambda optimizer: optimizer):
        network = mlp()
        optimizer = wraps(OPTIMIZERS[kind](network))
        train(network, optimizer, 3)
        if isinstance(optimizer, method):
            optimizer.consolidate(example_losses(network))
        train(network, optimizer, 5)
        results.append([*numbers(network), torch.get_rng_state()])
    assert are_equal(*results)


@pytest.mark.parametrize("method", METHODS)
def test_a_saved_optimiser_goes_on_bit_for_bit(method: type):
    network = mlp()
    optimizer = method(OPTIMIZERS["adam"](network), strength=2.0)
    train(network, optimizer, 2)
    optimizer.consolidate(example_losses(network))
    train(network, optimizer, 2)
    twin = mlp(seed=1)
    twin.load_state_dict(network.state_dict())
    other = method(OPTIMIZERS["adam"](twin), strength=2.0)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for each, around in ((network, optimizer), (twin, other)):
        train(each, around, 4, seed=3)
    assert are_equal(numbers(network), numbers(twin))
    assert other.metrics() == optimizer.metrics()


def test_the_stronger_the_nearer():
    distances = []
    for strength in (0.1, 1.0, 10.0):
        network = mlp()
        optimizer = L2Transfer(torch.optim.SGD(network.parameters(), lr=0.02), strength=strength)
        optimizer.consolidate()
        before = numbers(network)
        for _ in range(30):
            step(network, optimizer, torch.ones(2, 6))
        moved = zip(before, numbers(network), strict=True)
        distances.append(sum((now - then).square().sum().item() for then, now in moved))
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 0.2 * distances[0]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("strength", [-1.0, float("nan")])
def test_a_negative_strength_is_refused(method: type, strength: float):
    with pytest.raises(ValueError, match="strength must be 0 or more and finite, got"):
        method(torch.optim.SGD([weights(1.0)], lr=0.1), strength=strength)
