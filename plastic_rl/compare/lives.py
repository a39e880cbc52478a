"""Lives on a common grid, and what each of them says of changes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from plastic_rl.compare.runs import Run, Series

Numbers = NDArray[np.float64]

BINS = 100

# Recovery is measured on a running mean over so many episodes, up to this share of what the change took.
EPISODES, REGAINED = 10, 0.9

# The share of a task over which the level before and after a change is taken.
BESIDE = 0.1


def grid(runs: Sequence[Run], bins: int = BINS) -> Numbers:
    """The ends of equal bins over the life that all runs have in common, of shape (bins,); for few tasks, one each."""
    shortest = min(run.length for run in runs)
    if all(run.unit == "tasks" for run in runs):
        bins = min(bins, int(shortest))
    return np.linspace(0, shortest, bins + 1)[1:]


def on_grid(series: Series, ends: Numbers) -> Numbers:
    """The mean of a series in each bin, of shape (bins,); where nothing was measured, between its neighbours."""
    place = np.searchsorted(ends, series.steps, side="left")
    inside = place < len(ends)
    counts = np.bincount(place[inside], minlength=len(ends))
    sums = np.bincount(place[inside], weights=series.values[inside], minlength=len(ends))
    filled = np.flatnonzero(counts)
    if not len(filled):
        return np.full(len(ends), np.nan)
    return np.interp(np.arange(len(ends)), filled, sums[filled] / counts[filled])


def curves(runs: Sequence[Run], ends: Numbers) -> Numbers:
    """The scores of runs on a grid, of shape (runs, bins)."""
    return np.stack([on_grid(run.score, ends) for run in runs])


def measured(runs: Sequence[Run], name: str, ends: Numbers) -> Numbers:
    """A measure of those runs that have it on a grid, of shape (runs, bins)."""
    return np.stack([on_grid(run.measures[name], ends) for run in runs if name in run.measures] or [ends * np.nan])


def drops(run: Run) -> Numbers:
    """For each change how much of the score it took: the mean just before it, less that just after it."""
    return np.array([_beside(run.score, *window)[0] for window in _windows(run)]) * _sign(run)


def recoveries(run: Run) -> Numbers:
    """For each change the steps until a running mean over ten episodes had nine tenths of the loss back.

    Where that never came to be before the next change, the length of the task: at least so long it took.
    """
    return np.array([_recovery(run, *window) for window in _windows(run)])


def after_changes(run: Run, bins: int = 50) -> tuple[Numbers, Numbers]:
    """The score against the steps since a change, on average over changes, of shape (bins,) each."""
    windows = list(_windows(run))
    length = min((end - change for _, change, end in windows), default=np.nan)
    if not windows:
        return np.empty(0), np.empty(0)
    ends = np.linspace(0, length, bins + 1)[1:]
    return ends, np.mean([on_grid(_between(run.score, change, change + length), ends) for _, change, _ in windows], 0)


def _windows(run: Run) -> list[tuple[float, float, float]]:
    """For each change the beginning of the task before, the change, and the end of the task after."""
    marks = [0.0, *run.changes, run.length]
    windows = list(zip(marks, marks[1:], marks[2:], strict=False))
    # The last rollout may see the first steps of a task that nobody asked for.
    usual = np.median([end - begin for begin, end in pairwise(marks)]) if len(marks) > 1 else 0
    return [window for window in windows if window[2] - window[1] >= usual / 2]


def _beside(score: Series, begin: float, change: float, end: float) -> tuple[float, float]:
    """The drop at a change, and the level before it."""
    before = _mean(_between(score, change - BESIDE * (change - begin), change))
    after = _mean(_between(score, change, change + BESIDE * (end - change)))
    return before - after, before


def _recovery(run: Run, begin: float, change: float, end: float) -> float:
    sign = _sign(run)
    drop, before = _beside(run.score, begin, change, end)
    steps, values = _between(run.score, change, end)
    if not len(steps) or not sign * drop > 0:
        return 0.0 if len(steps) else np.nan
    wanted = sign * (before - (1 - REGAINED) * drop)
    smooth = np.convolve(sign * values, np.ones(EPISODES), "full")[: len(values)]
    there = np.flatnonzero(smooth / np.minimum(np.arange(1, len(values) + 1), EPISODES) >= wanted)
    there = there[there >= min(EPISODES, len(values)) - 1]
    return float(steps[there[0]]) if len(there) else end - change


def _between(score: Series, low: float, high: float) -> Series:
    """The part of a series after `low` up to `high`, its steps counted from `low`."""
    inside = (score.steps > low) & (score.steps <= high)
    return Series(score.steps[inside] - low, score.values[inside])


def _mean(score: Series) -> float:
    return float(score.values.mean()) if len(score.values) else np.nan


def _sign(run: Run) -> int:
    return -1 if run.less_is_better else 1
