"""The clock of a run, kept by each copy of an environment for itself."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Clock:
    """The time in the run.

    Args:
        step: Environment steps taken so far by all copies together.
        episode: Episodes begun so far by this copy, less one: 0 during the first.
    """

    step: int
    episode: int


class RunClock:
    """Counts one copy's steps, and takes each for one step of all copies: so all agree without sharing memory.

    Where resets take the place of steps, every reset counts that may be one of those: the end of an episode is no sign,
    since a time limit around the world is not seen from within. A reset of all copies between two steps is told by its
    seed or its options, or by coming before the first step. Without any of these it counts as a step, but in all copies
    alike.

    Args:
        copies: The number of copies that step together.
        resets_take_a_step: Whether the reset after an episode takes the place of a step.
    """

    def __init__(self, copies: int, resets_take_a_step: bool) -> None:
        if copies < 1:
            raise ValueError(f"copies must be at least 1, got {copies}")
        self.copies = copies
        self.resets_take_a_step = resets_take_a_step
        self._steps, self._resets, self._process = 0, 0, os.getpid()

    @property
    def is_at_home(self) -> bool:
        """Tells whether the world was made, or last reset, in this process: a copy sent elsewhere stands still."""
        return self._process == os.getpid()

    @property
    def now(self) -> Clock:
        """The time in the run."""
        return Clock(self._steps * self.copies, max(self._resets - 1, 0))

    def begin_episode(self, seed: int | None, options: dict[str, Any] | None) -> None:
        """Counts a reset; ``seed`` and ``options`` are those that ``reset`` was called with."""
        may_be_a_step = seed is None and options is None and self._steps > 0
        self._steps += self.resets_take_a_step and may_be_a_step
        self._resets += 1
        self._process = os.getpid()

    def tick(self) -> None:
        """Counts a step."""
        self._steps += 1

    def state_dict(self) -> dict[str, Any]:
        """The counts so far."""
        return {"steps": self._steps, "resets": self._resets}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from the counts of another clock."""
        self._steps, self._resets = state["steps"], state["resets"]
