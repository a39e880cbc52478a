"""Schedules made of others, and schedules with chance in them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from plastic_rl.nonstationary.clock import Clock
from plastic_rl.nonstationary.schedules import Schedule


@dataclass(frozen=True)
class Cycle(Schedule):
    """The first few tasks of a schedule, over and over: A-B-A, for what is remembered.

    The index that is announced is the task's own, 0 to ``tasks - 1``, and returns with it.

    Args:
        schedule: When the next task comes, and whether at reset or at once.
        tasks: How many different tasks there are.
    """

    schedule: Schedule
    tasks: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tasks < 1:
            raise ValueError(f"tasks must be at least 1, got {self.tasks}")
        object.__setattr__(self, "at", self.schedule.at)

    @property
    def number_of_tasks(self) -> int:
        return self.tasks

    def task(self, clock: Clock) -> int:
        return self.schedule.task(clock) % self.tasks


@dataclass(frozen=True)
class Bursts(Schedule):
    """Task 0, but for a burst at the end of each period: task 1 in the first burst, task 2 in the second, and so on.

    Args:
        period: Environment steps from one burst to the next.
        length: Environment steps that a burst lasts, less than ``period``.
    """

    period: int
    length: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.length < self.period:
            raise ValueError(f"0 < length < period is needed, got length={self.length}, period={self.period}")

    def task(self, clock: Clock) -> int:
        periods, within = divmod(clock.step, self.period)
        return periods + 1 if within >= self.period - self.length else 0


@dataclass(frozen=True)
class PoissonSchedule(Schedule):
    """A new task at random steps, independent of each other: the gaps are exponential.

    Args:
        mean_steps: Environment steps of the run between two changes, on average.
        seed: The seed of the gaps; it belongs to the schedule, so all copies change together.
    """

    mean_steps: float
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mean_steps < 1:
            raise ValueError(f"mean_steps must be at least 1, got {self.mean_steps}")
        object.__setattr__(self, "_jumps", [])

    def task(self, clock: Clock) -> int:
        jumps: list[float] = vars(self)["_jumps"]
        while not jumps or jumps[-1] <= clock.step:
            gap = np.random.default_rng([self.seed, len(jumps)]).exponential(self.mean_steps)
            jumps.append((jumps[-1] if jumps else 0.0) + float(gap))
        return bisect_right(jumps, clock.step)
