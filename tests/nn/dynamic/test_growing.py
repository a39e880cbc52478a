"""Layers that gain and lose units while they learn: the schedule, the ceiling, who leaves, and going on from a file."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch
from torch import nn

from plastic_rl.layers import hidden_layers
from plastic_rl.nn.dynamic import GrowingLayers, fit
from plastic_rl.nn.dynamic.growing import leaving
from plastic_rl.optim import ContinualBackprop, L2Init, PlasticityInjection, Stack

quick = partial(GrowingLayers, ceiling=7, every=3, maturity_threshold=5, seed=11)


def mlp(width: int = 4) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, width), nn.ReLU(), nn.Linear(width, 5), nn.Tanh(), nn.Linear(5, 2))


def layers_of(network):
    return hidden_layers(network, torch.zeros(2, 3))


def growing(network, **settings):
    return quick(torch.optim.Adam(network.parameters(), lr=0.01), layers_of(network), **settings)


def train(network, optimizer, steps, seed=1):
    data = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        optimizer.zero_grad()
        network(torch.randn(8, 3, generator=data)).square().mean().backward()
        optimizer.step()


def assert_equal(one, other):
    for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def widths(optimizer):
    return [layer.units for layer in optimizer.layers]


def leave(utility, age, **settings):
    settings = {"maturity": 5, "threshold": 0.5, "count": 2, "makes_room": False, **settings}
    return leaving(torch.tensor(utility), torch.tensor(age), **settings).tolist()


def test_who_leaves_by_hand():
    utility, age = [1.0, 0.1, 4.0, 0.0, 1.4], [9.0, 9.0, 9.0, 2.0, 6.0]
    assert leave(utility, age) == [1]  # the mean of the mature ones is 6.5 / 4; the fourth is not mature
    assert leave(utility, age, threshold=1.0) == [1, 0]
    assert leave(utility, age, threshold=1.0, count=1) == [1]
    assert leave(utility, age, makes_room=True, count=3) == [1, 0, 4]
    assert leave(utility, age, threshold=0.0) == []
    assert leave(utility, [1.0] * 5, makes_room=True) == []


def test_layers_gain_a_unit_every_so_many_updates_up_to_the_ceiling_and_then_turn_over():
    network = mlp()
    optimizer = growing(network)
    train(network, optimizer, 2)
    assert widths(optimizer) == [4, 5]
    train(network, optimizer, 7)
    assert widths(optimizer) == [7, 7]
    assert optimizer.metrics()["growth/units"] == 14
    metrics = optimizer.metrics()
    assert (metrics["growth/born/0"], metrics["growth/retired/0"]) == (3, 0)
    assert (metrics["growth/born/2"], metrics["growth/retired/2"]) == (3, 1)  # it was full at the second birth
    train(network, optimizer, 6)
    assert (widths(optimizer), optimizer.metrics()["growth/retired"]) == ([7, 7], 5)
    assert {12.0, 15.0} <= set(optimizer.watched[0].birth.tolist())


def test_a_full_layer_without_turnover_stays_as_it_is():
    network = mlp()
    optimizer = growing(network, turnover=False, retire_below=0.0)
    train(network, optimizer, 30)
    assert (widths(optimizer), optimizer.metrics()["growth/retired"]) == ([7, 7], 0)
    assert [concern.partition(":")[0] for concern in optimizer.concerns(40)] == ["0, 2"]


def test_a_unit_of_no_use_leaves_once_it_is_mature():
    network = mlp()
    optimizer = growing(network, retire_below=1e-6, turnover=False, every=6)
    with torch.no_grad():
        network[0].bias[2] = -100.0
    dead = network[0].bias.detach()
    train(network, optimizer, 5)
    assert float(dead.min()) < -90
    train(network, optimizer, 1)
    assert float(network[0].bias.detach().min()) > -90
    assert (widths(optimizer), optimizer.metrics()["growth/retired/0"]) == ([4, 6], 1)


def test_off_it_is_the_optimiser_inside():
    alone, wrapped = mlp(), mlp()
    state = torch.get_rng_state()
    train(alone, torch.optim.Adam(alone.parameters(), lr=0.01), 9)
    train(wrapped, growing(wrapped, every=0), 9)
    assert_equal(alone, wrapped)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("inside", [None, partial(ContinualBackprop, replacement_rate=0.05, maturity_threshold=2)])
def test_it_goes_on_bit_for_bit_in_a_network_made_as_wide_as_the_saved_one(inside):
    method = quick if inside is None else Stack((inside, L2Init, quick))
    network, fresh = mlp(), mlp()
    optimizers = [method(torch.optim.Adam(each.parameters(), lr=0.01), layers_of(each)) for each in (network, fresh)]
    train(network, optimizers[0], 13)
    network_state, optimizer_state = copy.deepcopy((network.state_dict(), optimizers[0].state_dict()))
    with pytest.raises(ValueError, match="`0` has 4 units here and 7 in the saved state"):
        growing(mlp()).load_state_dict(growing_state(optimizer_state))
    fit(optimizers[1].layers, optimizers[1], network_state)
    fresh.load_state_dict(network_state)
    optimizers[1].load_state_dict(optimizer_state)
    for each, optimizer in zip((network, fresh), optimizers, strict=True):
        train(each, optimizer, 20, seed=2)
    assert_equal(network, fresh)
    assert optimizers[0].metrics() == optimizers[1].metrics()


def growing_state(state):
    """The state without the methods inside."""
    return {key: value for key, value in state.items() if key not in ("ContinualBackprop", "L2Init")}


def test_a_network_is_made_narrower_for_a_narrower_one():
    narrow, wide = mlp(), mlp()
    optimizer = growing(wide)
    train(wide, optimizer, 13)
    fit(optimizer.layers, optimizer, narrow.state_dict())
    wide.load_state_dict(narrow.state_dict())
    assert_equal(wide, narrow)
    with pytest.raises(ValueError, match="no weight of `0`: it is of another network"):
        fit(optimizer.layers, optimizer, {})


def test_nothing_that_would_not_know_may_be_around_it_and_nothing_that_cannot_follow_inside():
    network = mlp()
    with pytest.raises(ValueError, match="put L2Init inside it"):
        L2Init(growing(network))
    with pytest.raises(ValueError, match="PlasticityInjection keeps what fits the present shapes alone"):
        Stack((PlasticityInjection, quick))(torch.optim.Adam(network.parameters()), layers_of(network))


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"ceiling": 4}, "`2` has 5 units already, and the ceiling is 4"), ({"births": 0}, "births must be at least 1")],
)
def test_settings_are_checked_before_anything_starts(settings, message):
    with pytest.raises(ValueError, match=message):
        growing(mlp(), **settings)


def test_an_earlier_loss_that_somebody_holds_does_not_disturb():
    network = mlp()
    optimizer, losses = growing(network, maturity_threshold=20), []
    for _ in range(9):
        optimizer.zero_grad()
        losses.append(network(torch.eye(3)).square().mean())
        losses[-1].backward()
        optimizer.step()
    assert widths(optimizer) == [7, 7]
