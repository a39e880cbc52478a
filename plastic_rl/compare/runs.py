"""A run as the comparison sees it, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


class Series(NamedTuple):
    """A quantity over the life of a run.

    Attributes:
        steps: where it was measured, rising, of shape (points,).
        values: of shape (points,).
    """

    steps: Numbers
    values: Numbers

    @classmethod
    def of(cls, points: Iterable[tuple[float, float]]) -> Series:
        """A series of pairs of step and value, in the order of their steps; what is no finite number is left out."""
        pairs = np.array(sorted(points, key=lambda point: point[0]), dtype=np.float64).reshape(-1, 2)
        pairs = pairs[np.isfinite(pairs).all(axis=1)]
        return cls(pairs[:, 0], pairs[:, 1])


@dataclass(frozen=True, kw_only=True)
class Run:
    """The life of one learner.

    Args:
        path: the folder or the file that it was read from.
        name: of what it has in common with other runs, if its settings do not say it.
        seed: of the run; None where nobody says.
        settings: by their names with dots, as `agent.learning_rate`; empty where nobody says.
        score: what it is judged by: the return of each episode, the accuracy or error on each task.
        score_name: what that is.
        unit: what the steps count.
        length: how many of them the run lived.
        changes: the steps at which the task changed, the first task's beginning aside.
        measures: everything else, by name.
        seconds: that it took; None where nobody says.
        finished: false for a run that goes on, or stopped early.
    """

    path: Path
    name: str
    score: Series
    score_name: str
    length: float
    seed: int | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    unit: str = "environment steps"
    changes: tuple[float, ...] = ()
    measures: Mapping[str, Series] = field(default_factory=dict)
    seconds: float | None = None
    finished: bool = True

    @property
    def less_is_better(self) -> bool:
        """True if the score is an error."""
        return self.score_name.endswith("error")
