"""The score of a trial: the mean over life of what its runs are judged by, also while they go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from launch.sweeps.plan import Job
from plastic_rl.compare import Run, Series
from plastic_rl.compare.lives import curves, grid
from plastic_rl.compare.ours import is_run, runs_in
from plastic_rl.runs import standing_in

TENTHS = 10
"""A trial is judged by the others at each tenth of its life."""


def tenths_of(job: Job) -> int:
    """The tenths of their lives that a job's runs have behind them."""
    standing = standing_in(job.folders[0].standing_file)
    return 0 if standing is None or not standing.total else TENTHS * standing.step // standing.total


def score(job: Job, tenths: int = TENTHS) -> float | None:
    """The mean over life, over all runs of a job; of errors the negative, so that more is better; None without any.

    Args:
        job: with its runs.
        tenths: of life that count, where steps say how long it is.
    """
    means = [_mean(run) for run in _runs(job, tenths) if len(run.score.steps)]
    return float(np.mean(means)) if means else None


def _mean(run: Run) -> float:
    mean = float(curves([run], grid([run])).mean())
    return -mean if run.less_is_better else mean


def _runs(job: Job, tenths: int) -> Iterator[Run]:
    steps = job.runs[0].total_steps
    for folder in job.folders:
        if is_run(folder.path):
            for run in runs_in(folder.path):
                yield run if steps is None or tenths == TENTHS else _begin_of(run, steps * tenths / TENTHS)


def _begin_of(run: Run, end: float) -> Run:
    kept = run.score.steps <= end
    return replace(run, score=Series(run.score.steps[kept], run.score.values[kept]), length=min(run.length, end))


def mean_score(jobs: Sequence[Job]) -> float | None:
    """The mean of the scores of several jobs; None without any."""
    found = [each for job in jobs if (each := score(job)) is not None]
    return float(np.mean(found)) if found else None
