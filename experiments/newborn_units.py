"""Newborn units and their gradients: what a unit gets after its birth, by outgoing weight, clock and step size.

A student of 16 tanh units learns a feature-search problem (20 normal inputs, the sum of 20 threshold units with weights
of 1 and -1, standardised), gains 4 units after 2,000 updates, and learns on for 3,000. On 512 inputs that it does not
learn from, the gradient norm of newborn units is taken over that of the others at some updates after the birth.

python -m experiments.newborn_units             # ten seeds, some minutes of one core
python -m experiments.newborn_units --quick     # two seeds and a tenth of it, printed only
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from experiments.runs import ROOT, read_table, write_table
from experiments.study import show
from plastic_rl.diagnostics import newborn_gradients
from plastic_rl.evaluation import estimate
from plastic_rl.layers import HiddenLayer
from plastic_rl.nn.dynamic import widen
from plastic_rl.optim import Adam

RESULTS = ROOT / "results" / "newborn_units"
INPUTS, TEACHERS, UNITS, BORN, BATCH = 20, 20, 16, 4, 16
AFTER = (1, 3, 10, 30, 100, 300, 1000)  # updates after the birth


class Student(nn.Module):
    """A perceptron with one hidden layer."""

    def __init__(self) -> None:
        super().__init__()
        self.inward, self.outward = nn.Linear(INPUTS, UNITS), nn.Linear(UNITS, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """The answers."""
        return self.outward(self.inward(inputs).tanh())


class Problem:
    """Inputs and targets of one seed."""

    def __init__(self, seed: int) -> None:
        self.draws = torch.Generator().manual_seed(seed)
        signs = torch.randint(0, 2, (TEACHERS, INPUTS), generator=self.draws) * 2.0 - 1
        self.features, self.outward = signs, torch.randint(0, 2, (TEACHERS,), generator=self.draws) * 2.0 - 1
        sample = self._sum(torch.randn(10_000, INPUTS, generator=self.draws))
        self.mean, self.std = sample.mean(), sample.std()

    def _sum(self, inputs: Tensor) -> Tensor:
        return (inputs @ self.features.T > 0).float() @ self.outward

    def batch(self, size: int) -> tuple[Tensor, Tensor]:
        """Some examples."""
        inputs = torch.randn(size, INPUTS, generator=self.draws)
        return inputs, ((self._sum(inputs) - self.mean) / self.std)[:, None]


Change = Callable[[Student], None]


def silent(_: Student) -> None:
    """Outgoing weights stay zero."""


def small(student: Student) -> None:
    """Outgoing weights of a tenth of the others' spread: the outputs jump."""
    weight = student.outward.weight
    weight[:, UNITS:] = 0.1 * weight[:, :UNITS].std() * torch.randn(1, BORN, generator=torch.Generator().manual_seed(0))


def twins(student: Student) -> None:
    """Pairs of units with the same incoming weights, and outgoing ones that cancel."""
    first, second = slice(UNITS, UNITS + BORN // 2), slice(UNITS + BORN // 2, UNITS + BORN)
    small(student)
    student.inward.weight[second], student.inward.bias[second] = (
        student.inward.weight[first],
        student.inward.bias[first],
    )
    student.outward.weight[:, second] = -student.outward.weight[:, first]


@dataclass(frozen=True)
class Birth:
    """A choice at birth.

    Args:
        base: the optimiser that the student learns with.
        outgoing: writes the outgoing weights; None where nobody is born.
        clock: "own", where a newborn unit is stepped as by a fresh Adam; "shared", where it goes by the layer's clock
            from the mean second moment beside it; "shared, from zero", where that is zero.
        longer: how many times longer the steps of newborn units are for 100 updates.
    """

    base: str
    outgoing: Change | None
    clock: str = "own"
    longer: float = 1.0


BIRTHS = {
    "Adam, nobody is born": Birth("Adam", None),
    "Adam, silent, own clock": Birth("Adam", silent),
    "Adam, silent, shared clock": Birth("Adam", silent, clock="shared"),
    "Adam, silent, shared clock from zero": Birth("Adam", silent, clock="shared, from zero"),
    "Adam, silent, own clock, steps x 3": Birth("Adam", silent, longer=3.0),
    "Adam, small, own clock": Birth("Adam", small),
    "Adam, twins, own clock": Birth("Adam", twins),
    "SGD, nobody is born": Birth("SGD", None),
    "SGD, silent": Birth("SGD", silent),
    "SGD, silent, steps x 10": Birth("SGD", silent, longer=10.0),
    "SGD, small": Birth("SGD", small),
    "SGD, twins": Birth("SGD", twins),
}
BASES: dict[str, Any] = {"Adam": partial(Adam, lr=0.003), "SGD": partial(torch.optim.SGD, lr=0.03)}


def step(student: Student, optimizer: torch.optim.Optimizer, problem: Problem) -> float:
    """One update; the error before it."""
    inputs, targets = problem.batch(BATCH)
    optimizer.zero_grad()
    error = functional.mse_loss(student(inputs), targets)
    error.backward()
    optimizer.step()
    return float(error.detach())


def before_birth(seed: int, base: str, updates: int) -> tuple[Any, ...]:
    """A student that has learned for a while, its optimiser and its problem."""
    torch.manual_seed(seed)
    student, problem = Student(), Problem(seed)
    optimizer = BASES[base](student.parameters())
    for _ in range(updates):
        step(student, optimizer, problem)
    return student, optimizer, problem


@torch.no_grad()
def give_birth(student: Student, optimizer: Any, birth: Birth) -> HiddenLayer:
    """Widens the student as a birth says."""
    layer = HiddenLayer("hidden", student.inward, [student.outward])
    if birth.outgoing is None:
        return layer
    widen(layer, BORN, optimizer, seed=0)
    birth.outgoing(student)
    if birth.clock.startswith("shared"):
        optimizer.forget_clocks()
        for parameter, axis in ((student.inward.weight, 0), (student.inward.bias, 0), (student.outward.weight, 1)):
            moment = optimizer.state[parameter]["exp_avg_sq"]
            others = moment.narrow(axis, 0, UNITS).mean(axis, keepdim=True) if birth.clock == "shared" else 0.0
            moment.narrow(axis, UNITS, BORN).copy_(torch.as_tensor(others).expand_as(moment.narrow(axis, UNITS, BORN)))
    return layer


def parts(student: Student) -> list[Tensor]:
    """The weights of newborn units."""
    return [student.inward.weight[UNITS:], student.inward.bias[UNITS:], student.outward.weight[:, UNITS:]]


def life(seed: int, name: str, start: tuple[Any, ...], updates: int) -> Iterator[dict[str, object]]:
    """What is measured of one student after the birth."""
    student, optimizer, problem = copy.deepcopy(start)
    probe, birth = Problem(seed + 1000), BIRTHS[name]
    probe.features, probe.outward, probe.mean, probe.std = problem.features, problem.outward, problem.mean, problem.std
    inputs, targets = probe.batch(512)
    before = student(inputs).detach()
    layer, errors = give_birth(student, optimizer, birth), list[float]()
    newborn = torch.arange(layer.units) >= UNITS
    row: dict[str, object] = {"birth": name, "seed": seed}
    row["jump"] = f"{(student(inputs) - before).abs().max().item():.2g}"
    for update in range(1, updates + 1):
        if birth.outgoing is not None and update in AFTER:
            optimizer.zero_grad()
            functional.mse_loss(student(inputs), targets).backward()
            row[f"incoming {update}"] = f"{newborn_gradients(layer, newborn)['incoming']:.4f}"
        held = [each.detach().clone() for each in parts(student)] if birth.longer != 1 and update <= 100 else []
        errors.append(step(student, optimizer, problem))
        with torch.no_grad():
            for old, now in zip(held, parts(student) if held else [], strict=True):
                now.add_((birth.longer - 1) * (now - old))
    row |= {f"incoming {update}": "-" for update in AFTER if f"incoming {update}" not in row}
    third = updates // 3
    yield row | {"first third": f"{mean(errors[:third]):.4f}", "last third": f"{mean(errors[-third:]):.4f}"}


def mean(values: list[float]) -> float:
    """The mean of some numbers."""
    return sum(values) / len(values)


def runs(seeds: range, scale: int) -> list[dict[str, object]]:
    """All rows; students of one seed and optimiser have the same past."""
    rows: list[dict[str, object]] = []
    for seed in seeds:
        starts = {base: before_birth(seed, base, 2000 // scale) for base in BASES}
        for name, birth in BIRTHS.items():
            rows += life(seed, name, starts[birth.base], 3000 // scale)
    return rows


def summary(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """For each choice interquartile means and intervals over seeds.

    The last column is by how much the error is less than that of the student of the same seed without a birth.
    """
    table: list[dict[str, str]] = []
    childless = [row for row in rows if BIRTHS[row["birth"]].outgoing is None]
    alone = {(BIRTHS[row["birth"]].base, row["seed"]): float(row["last third"]) for row in childless}
    for name in BIRTHS:
        mine = [row for row in rows if row["birth"] == name]
        of = {key: [row[key] for row in mine] for key in mine[0] if key not in ("birth", "seed")}
        lost = [float(row["last third"]) - alone[BIRTHS[name].base, row["seed"]] for row in mine]
        words = {key: "-" if "-" in values else _words(map(float, values)) for key, values in of.items()}
        table.append({"birth": name, **words, "less than without": _words(-each for each in lost)})
    return table


def _words(values: Iterable[float]) -> str:
    value, low, high = estimate(list(values))
    return f"{value:.3g} [{low:.3g}, {high:.3g}]"


def main() -> None:
    """Runs, writes the tables, and prints the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a little of it, without a table")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rows = runs(range(2) if asked.quick else range(10), 10 if asked.quick else 1)
    if asked.quick:
        show(summary([{key: str(value) for key, value in row.items()} for row in rows]))
        return
    write_table(RESULTS / "runs.csv", rows)
    table = summary(read_table(RESULTS / "runs.csv"))
    write_table(RESULTS / "summary.csv", table)
    show(table)


if __name__ == "__main__":
    main()
