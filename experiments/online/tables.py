"""Tables of online studies: measures of curves with intervals, and the numbers that arms are held to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.runs import read_table
from plastic_rl.evaluation import Estimate, estimate

Errors = NDArray[np.float64]
"""Mean squared errors of shape (seeds, stretches)."""

Curves = Mapping[str, Errors]


@dataclass(frozen=True)
class Measure:
    """A number for each seed, less of which is better.

    Args:
        name: its column.
        of: makes it of the errors of an arm.
    """

    name: str
    of: Callable[[Errors], NDArray[np.float64]]


def mean_of(name: str, first: int | None = None, last: int | None = None) -> Measure:
    """The mean error over some stretches.

    Args:
        name: its column.
        first: the first of them; None for that of the life.
        last: the one behind the last; None for the end of the life.
    """
    return Measure(name, lambda errors: errors[:, first:last].mean(1))


@dataclass(frozen=True)
class Pair:
    """A comparison of each arm with another, seed by seed: both meet the same stream.

    Args:
        name: its column.
        measure: the name of the measure that is compared.
        other: the arm that it is compared with.
    """

    name: str
    measure: str
    other: str


@dataclass(frozen=True, kw_only=True)
class Target:
    """A number that an arm is held to.

    Args:
        arm: of the study.
        measure: the name of one.
        at_most: the number; None for another arm's.
        below: the arm that is to be worse; None for a number.
    """

    arm: str
    measure: str
    at_most: float | None = None
    below: str | None = None


def curves_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Errors]:
    """For each arm the errors of a table, of shape (seeds, stretches)."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        found.setdefault(row["arm"], {}).setdefault(row["seed"], []).append(float(row["error"]))
    return {arm: np.array(list(by_seed.values())) for arm, by_seed in found.items()}


def read_curves(table: Path) -> dict[str, Errors]:
    """For each arm the errors of a CSV."""
    return curves_of(read_table(table))


def summary(measures: Sequence[Measure], curves: Curves, pairs: Sequence[Pair] = ()) -> list[dict[str, str]]:
    """For each arm its measures, and its differences seed by seed, as interquartile means with intervals.

    Args:
        measures: the columns.
        curves: the errors of each arm.
        pairs: further columns, of differences.
    """
    rows: list[dict[str, str]] = []
    for arm, errors in curves.items():
        row = {"arm": arm, "seeds": str(len(errors))}
        row |= {measure.name: in_words(estimate(measure.of(errors))) for measure in measures}
        row |= {pair.name: _beside(pair, measures, arm, curves) for pair in pairs}
        rows.append(row)
    return rows


def _beside(pair: Pair, measures: Sequence[Measure], arm: str, curves: Curves) -> str:
    measure = next(each for each in measures if each.name == pair.measure)
    if arm == pair.other:
        return "-"
    return in_words(estimate(measure.of(curves[arm]) - measure.of(curves[pair.other])))


def outcome(target: Target, measures: Sequence[Measure], curves: Curves) -> dict[str, str]:
    """The row of a table that says if an arm reaches what it is held to."""
    measure = next(each for each in measures if each.name == target.measure)
    ours = measure.of(curves[target.arm])
    row = {"arm": target.arm, "measure": target.measure}
    if target.below is None:
        assert target.at_most is not None
        found, wanted = estimate(ours), f"at most {target.at_most:g}"
        is_met = round(found.value, 3) <= target.at_most
    else:
        found, wanted = estimate(ours - measure.of(curves[target.below])), f"below {target.below}, seed by seed"
        is_met = found.high < 0
    return {**row, "wanted": wanted, "found": in_words(found), "met": "yes" if is_met else "no"}


def in_words(value: Estimate) -> str:
    """An estimate and its interval, to three digits."""
    return f"{value.value:.3f} [{value.low:.3f}, {value.high:.3f}]"
