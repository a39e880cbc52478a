"""Values that move a little from each task to the next; with ``Every(n, at="step")``, a drift along the whole life."""

from __future__ import annotations

import math
from dataclasses import dataclass

from plastic_rl.nonstationary.draws import Draws


@dataclass(frozen=True)
class LinearDrift:
    """Moves from ``start`` to ``stop`` in equal parts, and stays there.

    Args:
        start: The value of task 0.
        stop: The value of task ``tasks``.
        tasks: How many changes it takes to get there.
    """

    start: float
    stop: float
    tasks: int

    def __post_init__(self) -> None:
        if self.tasks < 1:
            raise ValueError(f"tasks must be at least 1, got {self.tasks}")

    def value(self, index: int, draws: Draws) -> float:
        progress = min(index / self.tasks, 1.0)
        return (1 - progress) * self.start + progress * self.stop


@dataclass(frozen=True)
class Sinusoid:
    """Swings around ``centre`` by ``amplitude``, once every ``tasks`` changes."""

    centre: float
    amplitude: float
    tasks: int

    def __post_init__(self) -> None:
        if self.tasks < 1:
            raise ValueError(f"tasks must be at least 1, got {self.tasks}")

    def value(self, index: int, draws: Draws) -> float:
        return self.centre + self.amplitude * math.sin(2 * math.pi * (index % self.tasks) / self.tasks)


@dataclass(frozen=True)
class OrnsteinUhlenbeck:
    """A walk that is pulled back to where it began: ``x ← x + pull (start − x) + deviation · N(0, 1)``.

    Args:
        start: The value of task 0, and what the walk is pulled to.
        deviation: Standard deviation of one move.
        pull: Share of the way back that is made up in each move, in [0, 1]; 0 is a random walk.
        low: The walk stops here.
        high: And here.
    """

    start: float
    deviation: float
    pull: float
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        if not 0 <= self.pull <= 1:
            raise ValueError(f"pull must be in [0, 1], got {self.pull}")
        if not self.low <= self.start <= self.high:
            raise ValueError(f"start must be in [low, high], got {self.start} outside [{self.low}, {self.high}]")
        object.__setattr__(self, "_walks", {})

    def value(self, index: int, draws: Draws) -> float:
        walks: dict[Draws, list[float]] = vars(self)["_walks"]
        walk = walks.setdefault(draws, [self.start])
        while len(walk) <= index:
            move = self.pull * (self.start - walk[-1]) + self.deviation * float(draws[len(walk)].standard_normal())
            walk.append(min(max(walk[-1] + move, self.low), self.high))
        return walk[index]


def random_walk(start: float, deviation: float, *, low: float = -math.inf, high: float = math.inf) -> OrnsteinUhlenbeck:
    """A walk from ``start`` that nothing pulls back, each move normal with standard deviation ``deviation``."""
    return OrnsteinUhlenbeck(start, deviation, 0.0, low, high)
