"""Mistakes that other implementations of continual backprop made, each kept out by a test."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from plastic_rl.choices import Rounding
from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.optim import ContinualBackprop
from plastic_rl.optim.budget import Budget
from tests.optim.networks import (
    OPTIMIZERS,
    X,
    are_equal,
    around,
    frozen,
    mlp,
    numbers,
    remembered,
    step,
    three_unit_layer,
    three_units,
    train,
)


def test_no_debt_builds_up_while_units_are_immature():
    """A budget that grows before maturity wipes the whole layer out once it matures (asi #370)."""
    budget = Budget(units=100, rate=0.01, maturity=50)
    due = [budget.due(number, 0.0) for number in range(1, 61)]
    assert due == [0] * 50 + [1] + due[51:]
    assert max(due) == 1


def test_the_budget_counts_mature_units_not_all_of_them():
    """The authors' convolutional version owes for every unit as soon as one of them is mature."""
    budget = Budget(units=10, rate=0.5, maturity=2)
    assert [budget.due(number, 0.0) for number in range(1, 7)] == [0, 0, 5, 2, 2, 3]  # of 10, 5, 3 and 6 mature units


def test_a_rate_that_rounds_to_nothing_still_replaces_in_the_long_run():
    budget = Budget(units=7, rate=1e-3, maturity=0)
    assert sum(budget.due(number, 0.0) for number in range(1, 1101)) == 7  # 7.7 in 1,100 updates


def test_bernoulli_rounding_drops_the_fraction_above_one_as_the_authors_ppo_does():
    budget = Budget(units=8, rate=0.2, maturity=0, rounding=Rounding.bernoulli)
    assert [budget.due(number, chance) for number, chance in enumerate([0.99, 0.0, 0.5], start=1)] == [1, 1, 1]
    budget = Budget(units=8, rate=0.1, maturity=0, rounding=Rounding.bernoulli)
    assert [budget.due(number, chance) for number, chance in enumerate([0.79, 0.81], start=1)] == [1, 0]


def test_a_newborn_unit_inherits_no_mean():
    """The authors' ResNet version lets a newborn unit inherit the sums of the one before it."""
    network = three_units()
    optimizer = frozen(network, replacement_rate=1 / 3, maturity_threshold=0, utility="mean_corrected", decay_rate=0.5)
    step(network, optimizer, X)
    assert remembered(optimizer)["birth"].tolist() == [0, 1, 0]
    with torch.no_grad():
        network[0].weight[1] = torch.tensor([0.0, 1.0])
        network[2].weight[0, 1] = -1.0
    optimizer.watched[0].budget.rate = 0.0
    optimizer.look_ahead()
    step(network, optimizer, X)
    assert remembered(optimizer)["average"][1] == 0.5 * 1.0  # |h - 0| = 1; with the old mean of 1 it would be 1 as ...
    assert remembered(optimizer)["means"][0][1] == 0.5 * 1.0  # ... |2 - 1| and |0 - 1| are, so the mean is looked at


def test_the_removed_mean_is_read_before_it_is_forgotten():
    """The authors' code zeroes the mean before it moves it to the next bias, so that nothing is ever moved."""
    network = three_units()
    optimizer = frozen(network, replacement_rate=1 / 3, maturity_threshold=0, move_mean_to_bias=True)
    step(network, optimizer, X)
    assert network[2].bias.item() != pytest.approx(0.25)


def test_moments_of_convolutions_are_forgotten_on_both_sides():
    """The authors' convolutional version keeps the first moment of the incoming weights (their issue 2)."""
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Conv2d(4, 2, 3))
    optimizer = ContinualBackprop(
        torch.optim.Adam(network.parameters(), lr=0.0),
        hidden_layers(network, torch.zeros(1, 1, 6, 6)),
        replacement_rate=0.25,
        maturity_threshold=0,
    )
    step(network, optimizer, torch.randn(2, 1, 6, 6))
    unit = int((network[2].weight == 0).flatten(2).all(2).all(0).nonzero())
    for moment in ("exp_avg", "exp_avg_sq"):
        assert (optimizer.state[network[0].weight][moment][unit] == 0).all()
        assert optimizer.state[network[0].bias][moment][unit] == 0
        assert (optimizer.state[network[2].weight][moment][:, unit] == 0).all()
        assert (optimizer.state[network[0].weight][moment] != 0).any()


def test_momentum_is_forgotten():
    """SGD's momentum, which the authors' code never resets, would wake a silent unit at the next step."""
    network = three_units()
    inner = torch.optim.SGD(network.parameters(), lr=1e-4, momentum=0.9)
    optimizer = ContinualBackprop(
        inner, three_unit_layer(network), replacement_rate=1 / 3, maturity_threshold=0, seed=0
    )
    step(network, optimizer, X)
    unit = int((network[2].weight[0] == 0).nonzero())
    assert inner.state[network[2].weight]["momentum_buffer"][0, unit] == 0
    assert (inner.state[network[0].weight]["momentum_buffer"][unit] == 0).all()


def test_state_is_kept_where_that_is_asked_for_as_in_the_authors_ppo():
    network = three_units()
    inner = torch.optim.Adam(network.parameters(), lr=1e-4)
    optimizer = ContinualBackprop(
        inner, three_unit_layer(network), replacement_rate=1 / 3, maturity_threshold=0, forget_optimizer_state=False
    )
    assert optimizer.optimizer is inner
    step(network, optimizer, X)
    assert (inner.state[network[2].weight]["exp_avg"] != 0).all()


def test_gradients_see_the_weights_of_the_forward_pass():
    """The authors' layers replace units inside the backward pass, so that earlier layers get wrong gradients."""
    results = []
    for rate in (0.0, 0.5):
        network = mlp()
        optimizer = around(OPTIMIZERS["sgd"](network), network, replacement_rate=rate, maturity_threshold=0)
        network(torch.ones(2, 6)).square().sum().backward()
        results.append([parameter.grad.clone() for parameter in network.parameters()])
        optimizer.step()
    assert are_equal(*results)


def test_the_network_gains_no_parameter_buffer_or_module():
    """The authors' layers add counters as parameters and list every layer twice: 20 keys for 12 parameters."""
    network = mlp()
    before = list(network.state_dict()), [name for name, _ in network.named_modules()]
    train(network, around(OPTIMIZERS["adam"](network), network), 5)
    assert (list(network.state_dict()), [name for name, _ in network.named_modules()]) == before


@pytest.mark.parametrize("activation", [nn.GELU, nn.SiLU, nn.ELU, nn.Mish, nn.Sigmoid, nn.LeakyReLU, nn.Softplus])
def test_any_activation_and_layers_without_bias_will_do(activation: type[nn.Module]):
    """The authors' layers raise for GELU, SiLU and ELU, and crash without a bias."""
    network = nn.Sequential(
        *(nn.Linear(6, 8, bias=False), activation(), nn.Linear(8, 8, bias=False)),
        *(activation(), nn.Linear(8, 1, bias=False)),
    )
    optimizer = around(OPTIMIZERS["adam"](network), network)
    train(network, optimizer, 10)
    assert optimizer.metrics()["cbp/replaced"] > 0


@pytest.mark.parametrize("mode", ["exact", "lazy", "instant"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_utility_that_is_no_number_never_chooses_a_unit(mode: str, value: float):
    """inf x 0 = NaN in a utility makes argmin pick the wrong unit (asi #84)."""
    network = three_units()
    optimizer = frozen(network, replacement_rate=1 / 3, maturity_threshold=0, mode=mode)
    with torch.no_grad():
        network[0].bias[0] = value  # its activation is no number; the least useful of the others is unit 1
    network(X).square().mean().backward()
    optimizer.zero_grad()
    optimizer.step()
    assert (network[2].weight[0] == 0).tolist() == [False, True, False]


@pytest.mark.parametrize("settings", [{"mode": "lazy"}, {"utility": "mean_corrected"}, {"move_mean_to_bias": True}])
def test_one_batch_that_is_no_number_does_not_stay_in_the_averages(settings: dict):
    network = three_units()
    optimizer = frozen(network, replacement_rate=0.4, maturity_threshold=0, decay_rate=0.01, **settings)
    for x in (torch.full((1, 2), torch.nan), X, X, X):
        network(x)
        optimizer.step()
    assert torch.isfinite(network[2].bias).all()
    state = remembered(optimizer)
    assert all(torch.isfinite(value).all() for value in [state["average"], *state["magnitudes"], *state["means"]])


def test_ages_are_exact_for_as_long_as_a_float_counts():
    """Ages kept as counters wrap or stall (asi #2835); here a birth date is kept, and the clock is the host's."""
    network = three_units()
    optimizer = frozen(network, replacement_rate=1 / 3, maturity_threshold=2**20)
    optimizer.memory["step"] = 2**20 - 1
    optimizer.look_ahead()
    for expected in (0, 1):  # ages 2^20 and 2^20 + 1
        step(network, optimizer, X)
        assert optimizer.metrics()["cbp/replaced"] == expected


def test_a_reader_that_is_passed_over_is_not_replaced_around():
    """Pairing each layer with the next in the list misses readers; found layers have all of them (fork of ForzaETH)."""
    trunk, mean, log_std = nn.Linear(3, 4), nn.Linear(4, 1), nn.Linear(4, 1)

    class TwoHeads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.trunk, self.mean, self.log_std = trunk, mean, log_std

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            h = self.trunk(x).relu()
            return self.mean(h), self.log_std(h)

    (layer,) = hidden_layers(TwoHeads(), torch.ones(1, 3))
    assert {port.name for port in layer.read_by} == {"mean", "log_std"}


def test_batches_of_other_sizes_change_no_running_average_by_their_size():
    """The authors' layers average batch tensors sample by sample: other sizes broadcast or crash."""
    results = []
    for repeats in (1, 5):
        network = three_units()
        optimizer = frozen(network, replacement_rate=0.0, decay_rate=0.9)
        step(network, optimizer, X.repeat(repeats, 1))
        step(network, optimizer, X[:1])
        results.append(remembered(optimizer)["average"])
    assert torch.allclose(*results)


def test_state_lives_where_the_weights_are():
    network = three_units().to("meta")
    layer = HiddenLayer("hidden", network[0], [network[2]])
    optimizer = ContinualBackprop(
        torch.optim.SGD(network.parameters(), lr=0.1), [layer], initialiser=nn.init.normal_, move_mean_to_bias=True
    )
    state = remembered(optimizer)
    assert {value.device.type for value in [state["average"], state["birth"], *state["means"]]} == {"meta"}


def test_targets_are_never_replaced():
    """A target network is a copy that nobody optimises; it follows by the copy rule alone."""
    network = mlp()
    target = copy.deepcopy(network)
    before = numbers(target)
    optimizer = around(OPTIMIZERS["adam"](network), network, maturity_threshold=0, replacement_rate=0.2)
    train(network, optimizer, 5)
    assert are_equal(before, numbers(target))
    with pytest.raises(ValueError, match="does not train all weights"):
        ContinualBackprop(OPTIMIZERS["adam"](network), hidden_layers(target, torch.zeros(1, 6)))
