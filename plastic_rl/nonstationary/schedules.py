"""Rules for when a world changes: from the clock of the run to the index of the task."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from plastic_rl.nonstationary.clock import Clock


@dataclass(frozen=True)
class Schedule:
    """A rule that says which task is due at which time.

    Args:
        at: When a task that is due takes over: ``"reset"``, at this copy's next reset, or ``"step"``, at once.
    """

    at: str = field(default="reset", kw_only=True)

    def __post_init__(self) -> None:
        if self.at not in ("reset", "step"):
            raise ValueError(f"at must be 'reset' or 'step', got {self.at!r}")

    @property
    def number_of_tasks(self) -> int | None:
        """The number of tasks that take turns; None where there is no end of new ones."""
        return None

    def task(self, clock: Clock) -> int:
        """The index of the task that is due."""
        raise NotImplementedError


@dataclass(frozen=True)
class Never(Schedule):
    """Task 0 for the whole life."""

    @property
    def number_of_tasks(self) -> int:
        return 1

    def task(self, clock: Clock) -> int:
        return 0


@dataclass(frozen=True)
class Always(Schedule):
    """One task, given by its index, for the whole life: to see what an agent makes of it."""

    index: int

    def task(self, clock: Clock) -> int:
        return self.index


@dataclass(frozen=True)
class Every(Schedule):
    """A new task every so many environment steps of the run.

    The task due is a function of the step count: a change that waits for the end of an episode does not delay the
    ones after it. (The authors' Slippery Ant restarts its count at each change, so its changes drift by part of an
    episode each.)

    Args:
        steps: Environment steps, of all copies together, from one change to the next.
    """

    steps: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")

    def task(self, clock: Clock) -> int:
        return clock.step // self.steps


@dataclass(frozen=True)
class EveryEpisodes(Schedule):
    """A new task every so many episodes of this copy (episodes are no clock that copies share)."""

    episodes: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.episodes < 1:
            raise ValueError(f"episodes must be at least 1, got {self.episodes}")

    def task(self, clock: Clock) -> int:
        return clock.episode // self.episodes


@dataclass(frozen=True)
class At(Schedule):
    """A new task at each of the given environment steps of the run.

    Args:
        steps: The steps, ascending, each at least 1.
    """

    steps: Sequence[int]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "steps", tuple(self.steps))
        if list(self.steps) != sorted({step for step in self.steps if step > 0}):
            raise ValueError(f"steps must ascend from at least 1, got {list(self.steps)}")

    def task(self, clock: Clock) -> int:
        return bisect_right(self.steps, clock.step)
