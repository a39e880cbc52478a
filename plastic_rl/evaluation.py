"""Statistics over runs that differ in their seed only.

Agarwal et al., "Deep reinforcement learning at the edge of the statistical precipice", NeurIPS 2021, recommend the
interquartile mean with bootstrap intervals. A continual run is judged by its average over life and by its last task,
never by its best moment; and a learner of many tasks by how little it matters in which order they came.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

RESAMPLES = 2_000


class Estimate(NamedTuple):
    """A statistic with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def interquartile_mean(values: ArrayLike, axis: int = 0) -> Float[np.ndarray, "..."]:
    """Mean of the middle half of the runs: as robust as the median, as precise as the mean (along ``axis``)."""
    from scipy import stats  # a second of every start, wanted by few

    return np.asarray(stats.trim_mean(np.asarray(values, dtype=float), 0.25, axis=axis))


def estimate(values: ArrayLike, seed: int = 0) -> Estimate:
    """The interquartile mean of one number a run, with its 95 % percentile-bootstrap interval.

    Args:
        values: one number for each run, of shape (runs,).
        seed: of the resampling.

    Raises:
        ValueError: fewer than two runs, or one of them is not a number.
    """
    runs = np.asarray(values, dtype=float)
    if runs.ndim != 1 or len(runs) < 2 or np.isnan(runs).any():
        raise ValueError(f"an interval needs one number for each of two runs or more, got {values!r}")
    low, high = np.quantile(_resampled(runs[:, None], seed)[:, 0], [0.025, 0.975])
    return Estimate(float(interquartile_mean(runs)), float(low), float(high))


def difference(ours: ArrayLike, theirs: ArrayLike, seed: int = 0) -> Estimate:
    """The interquartile mean of our runs less that of theirs, with its 95 % percentile-bootstrap interval.

    Args:
        ours: one number for each of our runs, of shape (runs,).
        theirs: one for each of theirs, resampled independently of ours.
        seed: of the resampling.

    Raises:
        ValueError: fewer than two runs on a side, or one of them is not a number.
    """
    sides = [estimate(each, seed).value for each in (ours, theirs)]
    resampled = [
        _resampled(np.asarray(each, dtype=float)[:, None], draws)[:, 0]
        for each, draws in ((ours, [seed, 0]), (theirs, [seed, 1]))
    ]
    low, high = np.quantile(resampled[0] - resampled[1], [0.025, 0.975])
    return Estimate(sides[0] - sides[1], float(low), float(high))


def band(curves: ArrayLike, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The interquartile mean at each point of curves of shape (runs, points), and the ends of its 95 % interval."""
    runs = np.asarray(curves, dtype=float)
    low, high = np.quantile(_resampled(runs, seed), [0.025, 0.975], axis=0)
    return interquartile_mean(runs), low, high


def probability_of_improvement(ours: ArrayLike, theirs: ArrayLike) -> float:
    """The share of pairs in which our run beats theirs, ties counting half (Agarwal et al. 2021; Mann-Whitney's U)."""
    x, y = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    return float(((x[:, None] > y).mean() + 0.5 * (x[:, None] == y).mean()).item())


def order_disparities(accuracies: ArrayLike) -> Float[np.ndarray, " tasks"]:
    """OPD_t = max_r P_t^r - min_r P_t^r: how much a task's final accuracy depends on the order r in which tasks came.

    Here P_t^r is the mean over runs of the accuracy on task t when all tasks have been learnt in the order r (Yoon et
    al., "Scalable and order-robust continual learning with additive parameter decomposition", ICLR 2020). Chance alone
    makes it positive: it is to be compared with that of networks which learn one task each.

    Args:
        accuracies: of shape (orders, runs, tasks); a task has the same place in all orders.

    Raises:
        ValueError: another shape, fewer than two orders, or an accuracy that is not a number.
    """
    values = np.asarray(accuracies, dtype=float)
    if values.ndim != 3 or len(values) < 2 or not values.size or np.isnan(values).any():
        raise ValueError(
            f"disparity needs accuracies of shape (orders >= 2, runs, tasks), got {values.shape} with "
            f"{np.isnan(values).sum()} missing"
        )
    means = values.mean(axis=1)
    return means.max(axis=0) - means.min(axis=0)


def average_order_disparity(accuracies: ArrayLike) -> float:
    """AOPD, the mean of :func:`order_disparities` over tasks."""
    return float(order_disparities(accuracies).mean())


def maximum_order_disparity(accuracies: ArrayLike) -> float:
    """MOPD, the greatest of :func:`order_disparities`."""
    return float(order_disparities(accuracies).max())


def _resampled(runs: Float[np.ndarray, "runs points"], seed: int | list[int]) -> Float[np.ndarray, "resamples points"]:
    picks = np.random.default_rng(seed).integers(len(runs), size=(RESAMPLES, len(runs)))
    return interquartile_mean(runs[picks], axis=1)
