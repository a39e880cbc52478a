"""The diagrams of a comparison: the score over life, after a change, and what was measured beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plastic_rl.compare.groups import Group
from plastic_rl.compare.lives import Numbers, after_changes, curves, measured
from plastic_rl.errors import UserError
from plastic_rl.evaluation import band
from plastic_rl.pictures import Curve, Diagram

BENEATH = (("units/dormant",), ("rank/effective", "rank/srank99"), ("weights/mean_abs",))
"""The measures drawn beneath unless others are named: of each line the first that there is."""
REPLACED = "/replaced"
"""The end of the names of how many units a method has replaced."""


def panels_of(groups: Sequence[Group], ends: Numbers, names: Sequence[str] = ()) -> list[Diagram]:
    """The diagrams of groups of runs; bands are 95 % intervals over runs.

    Args:
        groups: to be compared.
        ends: of the bins of the grid.
        names: of measures to be drawn beneath; dormancy, rank and weights by default.

    Raises:
        UserError: nobody measured one of them.
    """
    first = groups[0].runs[0]
    above = [_curve(group, ends, curves(group.runs, ends)) for group in groups]
    panels = [Diagram(first.unit, first.score_name, above, first.changes)]
    after = [curve for group in groups if (curve := _after_changes(group)) is not None]
    if after:
        panels.append(Diagram(f"{first.unit} after a change", f"{first.score_name}, mean over changes", after))
    return panels + [_beneath(groups, ends, name, first.unit) for name in names or _usual(groups)]


def names_for_a_page(groups: Sequence[Group]) -> list[str]:
    """The measures drawn on a page, which has room: the usual ones, and the units that methods have replaced."""
    return [*_usual(groups), *(name for name in measures_of(groups) if name.endswith(REPLACED))]


def measures_of(groups: Sequence[Group]) -> list[str]:
    """The names of all that was measured, by the alphabet."""
    return sorted({name for group in groups for run in group.runs for name in run.measures})


def _usual(groups: Sequence[Group]) -> list[str]:
    known = measures_of(groups)
    return [found for row in BENEATH if (found := next((name for name in row if name in known), None)) is not None]


def _beneath(groups: Sequence[Group], ends: Numbers, name: str, unit: str) -> Diagram:
    if name not in measures_of(groups):
        raise UserError(f"--panels {name}: nobody measured it; there are {', '.join(measures_of(groups)) or 'none'}")
    drawn = [
        _curve(group, ends, values) for group in groups if np.isfinite(values := measured(group.runs, name, ends)).any()
    ]
    return Diagram(unit, name, drawn, groups[0].runs[0].changes)


def _after_changes(group: Group) -> Curve | None:
    lives = [after_changes(run) for run in group.runs]
    shortest = min((ends[-1] for ends, _ in lives if len(ends)), default=0.0)
    if not shortest:
        return None
    ends = np.linspace(0, shortest, 51)[1:]
    values = np.stack([np.interp(ends, *life) for life in lives if len(life[0])])
    return _curve(group, ends, values)


def _curve(group: Group, x: Numbers, values: Numbers) -> Curve:
    """The interquartile mean of values of shape (runs, points), and its band; one run is its own."""
    known = values[np.isfinite(values).all(axis=1)]
    if not len(known):
        return Curve(group.name, x, *[x * np.nan] * 3)
    value, low, high = band(known) if len(known) > 1 else [known[0]] * 3
    return Curve(group.name, x, value, low, high)
