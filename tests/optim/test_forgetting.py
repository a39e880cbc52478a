"""What optimisers remember of newborn units: their first steps are no longer than those of a fresh optimiser."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn, optim
from torch.optim import Optimizer

from plastic_rl.layers import hidden_layers
from plastic_rl.optim import ContinualBackprop, forgetting
from plastic_rl.optim.adam import with_unit_clock
from plastic_rl.optim.forgetting import forget
from tests.optim.networks import mlp, numbers, train

Make = Callable[[Iterable[Tensor]], Optimizer]
ROWS, COLUMNS = torch.tensor([1, 2]), torch.tensor([0, 2])
LENGTH = 400  # of the life before, in steps

ELEMENTWISE: dict[str, Make] = {
    "SGD": partial(optim.SGD, lr=0.1),
    "SGD, momentum": partial(optim.SGD, lr=0.1, momentum=0.9),
    "SGD, Nesterov": partial(optim.SGD, lr=0.1, momentum=0.9, nesterov=True),
    "SGD, dampened": partial(optim.SGD, lr=0.1, momentum=0.9, dampening=0.5),
    "Adam": partial(optim.Adam, lr=0.1),
    "Adam, AMSGrad": partial(optim.Adam, lr=0.1, amsgrad=True),
    "AdamW": partial(optim.AdamW, lr=0.1),
    "NAdam": partial(optim.NAdam, lr=0.1),
    "NAdam, decoupled decay": partial(optim.NAdam, lr=0.1, weight_decay=0.01, decoupled_weight_decay=True),
    "RAdam": partial(optim.RAdam, lr=0.1),
    "Adamax": partial(optim.Adamax, lr=0.1),
    "Adagrad": partial(optim.Adagrad, lr=0.1),
    "Adagrad, from 0.1": partial(optim.Adagrad, lr=0.1, initial_accumulator_value=0.1),
    "Adadelta": partial(optim.Adadelta, lr=1.0),
    "RMSprop": partial(optim.RMSprop, lr=0.1),
    "RMSprop, centred, momentum": partial(optim.RMSprop, lr=0.1, centered=True, momentum=0.9),
    "Rprop": partial(optim.Rprop, lr=0.01),
    "ASGD": partial(optim.ASGD, lr=0.1, t0=100),
}
JOINT: dict[str, Make] = {"Adafactor": partial(optim.Adafactor, lr=0.1), "Muon": partial(optim.Muon, lr=0.1)}
every = pytest.mark.parametrize("name", [*ELEMENTWISE, *JOINT])


def weight() -> nn.Parameter:
    torch.manual_seed(0)
    return nn.Parameter(torch.randn(16, 8))


def gradient(drawn: torch.Generator, *, dead: int | None = None) -> Tensor:
    """Of unit scale; along the axis ``dead`` hardly anything beyond the fourth slice."""
    slopes = torch.randn(16, 8, generator=drawn)
    if dead is not None:
        slopes.narrow(dead, 4, slopes.shape[dead] - 4).mul_(1e-5)
    return slopes


def lived(name: str, *, dead: int | None = None) -> tuple[nn.Parameter, Optimizer, torch.Generator]:
    """A weight after a long life, many of whose units are dead if an axis is given."""
    parameter, drawn = weight(), torch.Generator().manual_seed(1)
    optimizer = with_unit_clock({**ELEMENTWISE, **JOINT}[name]([parameter]))
    for _ in range(LENGTH):
        parameter.grad = gradient(drawn, dead=dead)
        optimizer.step()
    return parameter, optimizer, drawn


def born_again(parameter: nn.Parameter, optimizer: Optimizer, axis: int, index: Tensor) -> None:
    with torch.no_grad():
        parameter.index_copy_(axis, index, torch.randn_like(parameter.index_select(axis, index)))
    forget(optimizer, parameter, axis, index)


def length(after: Tensor, before: Tensor, axis: int, index: Tensor) -> float:
    return (after - before).index_select(axis, index).square().mean().sqrt().item()


@every
@pytest.mark.parametrize("dead", [False, True], ids=["alive", "dead"])
@pytest.mark.parametrize(("axis", "index"), [(0, ROWS), (1, COLUMNS)], ids=["rows", "columns"])
def test_the_first_steps_of_newborn_entries_are_not_longer_than_a_fresh_optimisers(
    name: str, axis: int, index: Tensor, dead: bool
):
    parameter, optimizer, drawn = lived(name, dead=axis if dead else None)
    born_again(parameter, optimizer, axis, index)
    twin = nn.Parameter(parameter.detach().clone())
    fresh, steps = {**ELEMENTWISE, **JOINT}[name]([twin]), []
    for _ in range(40):
        before, twin_before = parameter.detach().clone(), twin.detach().clone()
        parameter.grad = gradient(drawn, dead=axis if dead else None)
        twin.grad = parameter.grad.clone()
        optimizer.step(), fresh.step()
        steps.append((length(parameter, before, axis, index), length(twin, twin_before, axis, index)))
    ours, theirs = zip(*steps, strict=True)
    assert 0 < max(ours) <= 1.5 * max(theirs)
    assert ours[0] <= 1.5 * theirs[0]


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize(("axis", "index"), [(0, ROWS), (1, COLUMNS)], ids=["rows", "columns"])
def test_all_others_go_on_bit_for_bit(name: str, axis: int, index: Tensor):
    parameter, optimizer, drawn = lived(name)
    other, same = copy.deepcopy((parameter, optimizer))
    born_again(parameter, optimizer, axis, index)
    for _ in range(30):
        other.grad = gradient(drawn)
        parameter.grad = other.grad.clone()
        optimizer.step(), same.step()
    rest = torch.tensor([place for place in range(parameter.shape[axis]) if place not in index.tolist()])
    assert torch.equal(parameter.index_select(axis, rest), other.index_select(axis, rest))
    assert not torch.equal(parameter, other)


@pytest.mark.parametrize("name", JOINT)
def test_where_units_share_a_step_the_memory_of_the_others_stays(name: str):
    parameter, optimizer, _ = lived(name)
    before = copy.deepcopy(optimizer.state[parameter])
    born_again(parameter, optimizer, 0, ROWS)
    rest = [row for row in range(16) if row not in ROWS.tolist()]
    for key, value in optimizer.state[parameter].items():
        if value.ndim and value.shape[0] == 16:
            assert torch.equal(value[rest], before[key][rest])
            assert not torch.equal(value[ROWS], before[key][ROWS])
        else:
            assert torch.equal(value, before[key])


STARTS: list[tuple[str, str, Callable[[Tensor], Tensor | float]]] = [
    ("Rprop", "step_size", lambda parameter: 0.01),
    ("Rprop", "prev", lambda parameter: 0.0),
    ("Adagrad", "sum", lambda parameter: 0.0),
    ("Adagrad, from 0.1", "sum", lambda parameter: 0.1),
    ("ASGD", "ax", lambda parameter: parameter.detach()[ROWS]),
    ("SGD, momentum", "momentum_buffer", lambda parameter: 0.0),
    ("Muon", "momentum_buffer", lambda parameter: 0.0),
    ("Adadelta", "acc_delta", lambda parameter: 0.0),
    ("Adamax", "exp_inf", lambda parameter: 0.0),
    ("RMSprop, centred, momentum", "grad_avg", lambda parameter: 0.0),
    ("Adam", "exp_avg_sq", lambda parameter: 0.0),
    ("NAdam", "exp_avg", lambda parameter: 0.0),
]


@pytest.mark.parametrize(("name", "key", "start"), STARTS, ids=[f"{name}: {key}" for name, key, _ in STARTS])
def test_state_starts_where_a_fresh_optimiser_starts_it(name: str, key: str, start: Callable[[Tensor], Tensor | float]):
    parameter, optimizer, _ = lived(name)
    value = optimizer.state[parameter][key]
    assert not torch.equal(value[ROWS], torch.zeros(2, 8) + start(parameter))
    born_again(parameter, optimizer, 0, ROWS)
    assert torch.equal(value[ROWS], torch.zeros(2, 8) + start(parameter))


def test_a_schedule_that_has_moved_the_rate_moves_the_start_of_rprop():
    parameter, optimizer, _ = lived("Rprop")
    optimizer.param_groups[0]["lr"] = 0.002
    born_again(parameter, optimizer, 1, COLUMNS)
    assert (optimizer.state[parameter]["step_size"][:, COLUMNS] == 0.002).all()


def test_a_second_moment_without_a_clock_is_that_of_the_living_neighbours_by_hand():
    parameter = nn.Parameter(torch.zeros(4, 2))
    optimizer = optim.NAdam([parameter])
    parameter.grad = torch.zeros(4, 2)
    optimizer.step()
    second = optimizer.state[parameter]["exp_avg_sq"]
    second.copy_(torch.tensor([[1.0, 100.0], [3.0, 300.0], [1e-9, 1e-9], [7.0, 0.0]]))
    forget(optimizer, parameter, 0, torch.tensor([3]))
    assert second.tolist() == [[1.0, 100.0], [3.0, 300.0], [pytest.approx(1e-9)] * 2, [2.0, 200.0]]
    forget(optimizer, parameter, 1, torch.tensor([1]))
    assert second[:, 1].tolist() == [1.0, 3.0, pytest.approx(1e-9), 2.0]
    forget(optimizer, parameter, None, torch.tensor([0]))
    assert second[0, 0].item() == pytest.approx((1 + 3 + 3 + 2 + 2) / 5)


def test_a_number_that_is_none_elsewhere_does_not_spread():
    parameter = nn.Parameter(torch.zeros(3, 2))
    optimizer = optim.NAdam([parameter])
    parameter.grad = torch.ones(3, 2)
    optimizer.step()
    second = optimizer.state[parameter]["exp_avg_sq"]
    second[0, 0] = torch.inf
    before = second.clone()
    forget(optimizer, parameter, 0, torch.tensor([1]))
    assert torch.equal(second[[0, 2]], before[[0, 2]])


class Mixed(Optimizer):
    """Muon for matrices and Adam for the rest, as one optimiser."""

    def __init__(self, parameters: Iterable[Tensor]) -> None:
        parameters = list(parameters)
        self.parts = [
            optim.Muon([each for each in parameters if each.ndim == 2], lr=0.02),
            optim.Adam([each for each in parameters if each.ndim != 2], lr=0.02),
        ]
        super().__init__(parameters, {})
        self.param_groups = [group for part in self.parts for group in part.param_groups]

    @property
    def state(self) -> dict[Tensor, Any]:
        return {parameter: state for part in self.parts for parameter, state in part.state.items()}

    @state.setter
    def state(self, value: Any) -> None:
        pass

    def step(self, closure: Any = None) -> None:
        for part in self.parts:
            part.step()


def test_muon_for_matrices_and_another_one_for_the_rest_can_be_wrapped():
    network = mlp()
    layers = hidden_layers(network, torch.zeros(1, 6))
    optimizer = ContinualBackprop(Mixed(network.parameters()), layers, replacement_rate=1 / 16, maturity_threshold=9)
    train(network, optimizer, 10)
    (unit,) = (network[2].weight == 0).all(0).nonzero().flatten().tolist()
    assert (optimizer.state[network[2].weight]["momentum_buffer"][:, unit] == 0).all()
    assert (optimizer.state[network[0].weight]["momentum_buffer"][unit] == 0).all()
    second = optimizer.state[network[0].bias]["exp_avg_sq"]
    assert second[unit] == pytest.approx(second[torch.arange(16) != unit].mean().item())
    train(network, optimizer, 10)
    assert all(torch.isfinite(value).all() for value in numbers(network))


def test_lbfgs_is_refused_where_units_are_to_be_forgotten_and_trains_where_not():
    network = mlp()
    layers = hidden_layers(network, torch.zeros(1, 6))
    with pytest.raises(ValueError, match="LBFGS remembers steps of the whole network"):
        ContinualBackprop(optim.LBFGS(network.parameters()), layers)
    lbfgs = optim.LBFGS(network.parameters(), lr=0.1)
    optimizer = ContinualBackprop(lbfgs, layers, forget_optimizer_state=False)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = network(torch.ones(2, 6)).square().mean()
        loss.backward()
        return loss

    assert optimizer.step(closure) > closure()


def test_sparse_adam_is_refused_by_torch():
    network = mlp()
    optimizer = ContinualBackprop(
        optim.SparseAdam(list(network.parameters())), hidden_layers(network, torch.zeros(1, 6))
    )
    with pytest.raises(RuntimeError, match="does not support dense gradients"):
        train(network, optimizer, 1)


class Odd(Optimizer):
    """Keeps state of forms that nobody knows."""

    def __init__(self, parameters: Iterable[Tensor]) -> None:
        super().__init__(parameters, {"lr": 0.1})

    def step(self, closure: Any = None) -> None:
        for parameter in self.param_groups[0]["params"]:
            made = {
                "step": torch.ones(()),
                "odd": torch.ones_like(parameter),
                "basis": torch.ones(3, 3),
                "names": ["a"],
            }
            self.state[parameter] = {**made, "bases": [torch.ones(2, 2)], "row_var": torch.ones(parameter.shape[0], 1)}


def test_state_that_nobody_knows_is_named_once_and_left_as_it_is(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(forgetting, "_named", set())
    parameter = weight()
    optimizer = Odd([parameter])
    optimizer.step()
    for _ in range(2):
        forget(optimizer, parameter, 0, ROWS)
        forget(optimizer, parameter, None, ROWS)
    named = [record.message.split("`")[1] for record in caplog.records]
    assert named == ["odd", "basis", "bases", "row_var"]
    assert (optimizer.state[parameter]["odd"] == 1).all()


@pytest.mark.parametrize("suffix", ["_row", "_col"])
def test_factors_without_the_other_axis_are_known_too(suffix: str):
    """As CAME and the Adafactor of transformers keep them."""
    parameter = weight()
    optimizer = Odd([parameter])
    name = f"exp_avg_sq{suffix}"
    factor = torch.arange(1.0, 17.0) if suffix == "_row" else torch.arange(1.0, 9.0)
    optimizer.state[parameter] = {name: factor}
    forget(optimizer, parameter, 0 if suffix == "_col" else 1, torch.tensor([3]))
    assert factor[3] == 4  # it is that of the other axis
    forget(optimizer, parameter, 0 if suffix == "_row" else 1, torch.tensor([3]))
    assert factor[3] == pytest.approx((factor.sum().item() - factor[3].item()) / (len(factor) - 1))
