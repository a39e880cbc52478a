"""When a world changes: from the clock of the run to the index of the task, and nothing about what changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Moment = Literal["reset", "step"]


@dataclass(frozen=True)
class Clock:
    """What time it is in the run.

    Args:
        step: Environment steps taken so far by all copies together.
        episode: Episodes begun so far by this copy, less one: 0 during the first.
    """

    step: int
    episode: int


@dataclass(frozen=True)
class Schedule:
    """A rule that says which task is due at which time.

    Args:
        at: When a task that is due takes over: ``"reset"``, at this copy's next reset, or ``"step"``, at once.
    """

    at: Moment = field(default="reset", kw_only=True)

    def __post_init__(self) -> None:
        if self.at not in ("reset", "step"):
            raise ValueError(f"at must be 'reset' or 'step', got {self.at!r}")

    def task(self, clock: Clock) -> int:
        """The index of the task that is due."""
        raise NotImplementedError


@dataclass(frozen=True)
class Never(Schedule):
    """Task 0 for the whole life."""

    def task(self, clock: Clock) -> int:
        return 0


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
