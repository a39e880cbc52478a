"""Measures of a life of many tasks: from the results of its episodes, and from a matrix of results on all tasks so far.

Notation: R[i][j] is the result on task j after task i (Lopez-Paz & Ranzato 2017; Chaudhry et al. 2018); more is better.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

Row = Sequence[float]
Matrix = Sequence[Row]
"""A row after each task, with an entry for each task so far (j ≤ i); further entries do not count here."""


class Episode(NamedTuple):
    """An episode.

    Args:
        step: environment steps at its end.
        length: its own steps.
        result: its return.
        task: the index of its task.
    """

    step: int
    length: int
    result: float
    task: int


def average(matrix: Matrix) -> float:
    """The mean result on all tasks so far, now: R[i][j] over j ≤ i."""
    now = matrix[-1][: len(matrix)]
    return sum(now) / len(now)


def forgetting(matrix: Matrix) -> float | None:
    """The mean over past tasks of the best result that each ever had less that of now; None where none is past."""
    past = range(len(matrix) - 1)
    best = [max(row[j] for i, row in enumerate(matrix[:-1]) if j <= i) for j in past]
    return sum(best[j] - matrix[-1][j] for j in past) / len(past) if past else None


def backward_transfer(matrix: Matrix) -> float | None:
    """The mean over past tasks of the result of now less that when the task was new; None where none is past."""
    past = range(len(matrix) - 1)
    return sum(matrix[-1][j] - matrix[j][j] for j in past) / len(past) if past else None


def forward_transfer(ahead: Row, untrained: Row) -> float | None:
    """The mean over tasks of the result before any of it was learned less that of an untrained agent.

    Args:
        ahead: R[j - 1][j] of the second task, the third, and so on.
        untrained: the results of an untrained agent on the same tasks.
    """
    gains = [found - without for found, without in zip(ahead, untrained, strict=True)]
    return sum(gains) / len(gains) if gains else None


def average_over_life(episodes: Iterable[Episode]) -> float:
    """The mean return of a step: each counts with the return of its episode, so that short episodes weigh little."""
    seen = list(episodes)
    return sum(each.result * each.length for each in seen) / sum(each.length for each in seen)


def area_per_task(episodes: Iterable[Episode]) -> dict[int, float]:
    """The mean return of a step in each task: the area under its curve over its length."""
    by_task: dict[int, list[Episode]] = {}
    for each in episodes:
        by_task.setdefault(each.task, []).append(each)
    return {task: average_over_life(some) for task, some in by_task.items()}


def drops(episodes: Sequence[Episode], count: int = 10) -> dict[int, float]:
    """For each task but the first the mean of the last episodes before it less that of its first.

    Args:
        episodes: in turn.
        count: of episodes on either side, as far as there are so many.
    """
    returns = _returns_by_task(episodes)
    tasks = list(returns)
    return {
        task: float(np.mean(returns[before][-count:]) - np.mean(returns[task][:count]))
        for before, task in itertools.pairwise(tasks)
    }


def steps_to_recover(episodes: Sequence[Episode], count: int = 10, share: float = 0.9) -> dict[int, int | None]:
    """For each task but the first the steps until the agent is back where it was; None where it never is.

    It is back when the mean of so many episodes in a row is at least 90 % of the last mean before the change (of a
    negative one: less than it by at most a tenth of its size).

    Args:
        episodes: in turn.
        count: of episodes that are averaged.
        share: 0.9.
    """
    by_task: dict[int, list[Episode]] = {}
    for each in episodes:
        by_task.setdefault(each.task, []).append(each)
    tasks = list(by_task)
    found: dict[int, int | None] = {}
    for before, task in itertools.pairwise(tasks):
        level = float(np.mean([each.result for each in by_task[before][-count:]]))
        start = by_task[before][-1].step
        found[task] = _first_at(by_task[task], level - (1 - share) * abs(level), count, start)
    return found


def episodes_of(lines: Iterable[Mapping[str, object]]) -> list[Episode]:
    """The episodes in the lines of a run's metrics; in a world without tasks all are of task 0."""
    names = ("global_step", "episode/length", "episode/return")
    return [
        Episode(*(float(str(line[name])) for name in names), int(str(line.get("task/index", 0))))  # pyright: ignore
        for line in lines
        if "episode/return" in line
    ]


def _first_at(episodes: Sequence[Episode], level: float, count: int, start: int) -> int | None:
    results = [each.result for each in episodes]
    for end in range(count, len(results) + 1):
        if np.mean(results[end - count : end]) >= level:
            return int(episodes[end - 1].step - start)
    return None


def _returns_by_task(episodes: Sequence[Episode]) -> dict[int, list[float]]:
    returns: dict[int, list[float]] = {}
    for each in episodes:
        returns.setdefault(each.task, []).append(each.result)
    return returns
