"""What holds for any network, any schedule and any settings."""

from __future__ import annotations

import copy
import itertools
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from plastic_rl.choices import Rounding
from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.optim import ContinualBackprop
from plastic_rl.optim.budget import Budget
from tests.optim.networks import OPTIMIZERS, are_equal, numbers, step

few = settings(max_examples=5, deadline=None, derandomize=True)
many = settings(max_examples=40, deadline=None, derandomize=True)

rates = st.floats(0, 1, allow_subnormal=False)
maturities = st.integers(0, 12)
widths = st.lists(st.integers(1, 7), min_size=1, max_size=3)
methods = st.fixed_dictionaries(
    {
        "replacement_rate": rates,
        "maturity_threshold": maturities,
        "decay_rate": st.sampled_from([0.0, 0.5, 0.99]),
        "utility": st.sampled_from(["contribution", "mean_corrected", "adaptable_contribution", "weight", "random"]),
        "mode": st.sampled_from(["exact", "lazy", "instant"]),
        "rounding": st.sampled_from(["accumulate", "bernoulli"]),
        "move_mean_to_bias": st.booleans(),
        "seed": st.integers(0, 3),
    }
)


def network_of(hidden: list[int], seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    ends = [4, *hidden, 2]
    layers = [part for i, o in itertools.pairwise(ends) for part in (nn.Linear(i, o), nn.Tanh())]
    return nn.Sequential(*layers[:-1])


def wrapped(network: nn.Sequential, kind: str, method: dict[str, Any]) -> ContinualBackprop:
    return ContinualBackprop(OPTIMIZERS[kind](network), hidden_layers(network, torch.zeros(1, 4)), **method)


def births(optimizer: ContinualBackprop) -> dict[str, torch.Tensor]:
    return {watched.layer.name: watched.birth.clone() for watched in optimizer.watched}


@given(st.integers(1, 300), rates, maturities, st.integers(1, 200))
@many
def test_the_budget_over_all_steps_is_the_rate_times_the_mature_units_to_within_one(
    units: int, rate: float, maturity: int, steps: int
):
    budget, expected = Budget(units, rate, maturity), 0.0
    for number in range(1, steps + 1):
        expected += budget.mature(number) * rate
        budget.due(number, 0.0)
    assert expected - 1 - 1e-6 <= budget.replaced <= expected + 1e-6


budgets = st.builds(Budget, st.integers(1, 300), rates, maturities, st.sampled_from(list(Rounding)))


@given(budgets, st.integers(1, 100), st.randoms())
@many
def test_the_hosts_count_of_mature_units_is_the_devices(budget: Budget, steps: int, random: Any):
    units, rate, maturity, born = budget.units, budget.rate, budget.maturity, [0] * budget.units
    for number in range(1, steps + 1):
        mature = [unit for unit in range(units) if number - born[unit] > maturity]
        assert budget.mature(number) == len(mature)
        count = budget.due(number, random.random())
        assert count <= math.ceil(len(mature) * rate)  # no burst of debts
        for unit in random.sample(mature, count):  # as many as fall due are mature
            born[unit] = number


@given(widths, methods, st.integers(1, 25))
@few
def test_no_immature_unit_is_ever_replaced(hidden: list[int], method: dict[str, Any], steps: int):
    network = network_of(hidden, 0)
    optimizer = wrapped(network, "sgd", method)
    data = torch.Generator().manual_seed(1)
    for number in range(1, steps + 1):
        before = births(optimizer)
        counted = {watched.layer.name: watched.budget.mature(number) for watched in optimizer.watched}
        step(network, optimizer, torch.randn(3, 4, generator=data))
        for name, born in births(optimizer).items():
            replaced = born != before[name]
            assert (number - before[name][replaced] > method["maturity_threshold"]).all()
            assert (born[replaced] == number).all()
            assert counted[name] == (number - before[name] > method["maturity_threshold"]).sum()


@given(widths, methods, st.sampled_from(sorted(OPTIMIZERS)), st.integers(1, 12))
@few
def test_outgoing_weights_are_zero_when_the_next_step_begins_and_nothing_else_changes(
    hidden: list[int], method: dict[str, Any], kind: str, steps: int
):
    """A second copy takes the wrapped optimiser's step alone; the two then differ in the units' slices only."""
    network = network_of(hidden, 0)
    method = {**method, "move_mean_to_bias": False, "maturity_threshold": min(method["maturity_threshold"], 4)}
    optimizer = wrapped(network, kind, method)
    taken: list[torch.Tensor] = []
    optimizer.optimizer.register_step_post_hook(lambda *_: taken.__setitem__(slice(None), numbers(network)))
    data = torch.Generator().manual_seed(1)
    for _ in range(steps):
        before = births(optimizer)
        step(network, optimizer, torch.randn(3, 4, generator=data))
        after = births(optimizer)
        born = {name: (after[name] != before[name]).nonzero().flatten() for name in before}
        belongs = {name: torch.zeros_like(value, dtype=torch.bool) for name, value in network.state_dict().items()}
        for watched in optimizer.watched:
            mark(watched.layer, born[watched.layer.name], belongs)
        for (name, value), old in zip(network.state_dict().items(), taken, strict=True):
            assert torch.equal(value[~belongs[name]], old[~belongs[name]])


def mark(layer: HiddenLayer, units: torch.Tensor, belongs: dict[str, torch.Tensor]) -> None:
    (producer,), (reader,) = layer.produced_by, layer.read_by
    belongs[f"{producer.name}.weight"][units] = True
    belongs[f"{producer.name}.bias"][units] = True
    belongs[f"{reader.name}.weight"][:, units] = True
    assert (reader.weight[:, units] == 0).all()
    assert producer.bias is not None
    assert (producer.bias[units] == 0).all()


@given(widths, methods, st.sampled_from(["momentum", "adam", "amsgrad", "rmsprop"]), st.integers(1, 10))
@few
def test_a_round_trip_of_the_state_goes_on_identically(
    hidden: list[int], method: dict[str, Any], kind: str, steps: int
):
    method = {**method, "maturity_threshold": min(method["maturity_threshold"], 3)}
    first, second = network_of(hidden, 0), network_of(hidden, 1)
    one, other = wrapped(first, kind, method), wrapped(second, kind, {**method, "seed": 99})
    for number in range(2 * steps):
        if number == steps:
            second.load_state_dict(first.state_dict())
            other.load_state_dict(copy.deepcopy(one.state_dict()))  # torch takes the very tensors over
        x = torch.randn(3, 4, generator=torch.Generator().manual_seed(number))
        step(first, one, x)
        if number >= steps:
            step(second, other, x)
    assert are_equal(numbers(first), numbers(second))


@given(methods, st.lists(st.integers(1, 9), min_size=4, max_size=8), st.sampled_from([math.nan, math.inf, -math.inf]))
@few
def test_a_unit_whose_activation_is_no_number_is_never_chosen(method: dict[str, Any], batches: list[int], value: float):
    if method["utility"] in ("weight", "random"):
        return  # activations do not enter
    network = network_of([12], 0)  # eleven other units: never is it the only mature one
    network[1] = nn.Identity()
    optimizer = wrapped(network, "sgd", {**method, "replacement_rate": 0.1, "move_mean_to_bias": False})
    with torch.no_grad():
        network[0].bias[2] = value
    for batch in batches:
        network(torch.ones(batch, 4))
        optimizer.step()  # without gradients nothing moves but what is replaced
        assert optimizer.watched[0].birth[2] == 0


@pytest.mark.parametrize("mode", ["exact", "lazy", "instant"])
@given(widths, st.lists(st.integers(1, 9), min_size=3, max_size=10))
@few
def test_acting_and_batch_sizes_leave_the_state_alone(mode: str, hidden: list[int], batches: list[int]):
    results = []
    for acts in (False, True):
        network = network_of(hidden, 0)
        optimizer = wrapped(network, "sgd", {"replacement_rate": 0.3, "maturity_threshold": 1, "mode": mode, "seed": 0})
        for number, batch in enumerate(batches):
            step(network, optimizer, torch.full((1, 4), float(number)))
            if acts:
                with torch.no_grad():
                    network(torch.full((batch, 4), 1e3))
        results.append(numbers(network))
    assert are_equal(*results)
