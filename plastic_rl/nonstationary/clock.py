"""The clock of a run, kept by each copy of an environment for itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Clock:
    """What time it is in the run.

    Args:
        step: Environment steps taken so far by all copies together.
        episode: Episodes begun so far by this copy, less one: 0 during the first.
    """

    step: int
    episode: int


class RunClock:
    """Counts one copy's steps, and takes each for one step of all copies: so all agree without sharing memory.

    Args:
        copies: How many copies step together.
        resets_take_a_step: Whether the reset after an episode takes the place of a step.
    """

    def __init__(self, copies: int, resets_take_a_step: bool) -> None:
        if copies < 1:
            raise ValueError(f"copies must be at least 1, got {copies}")
        self.copies = copies
        self._resets_take_a_step = resets_take_a_step
        self._steps, self._resets, self._episode_ended = 0, 0, False

    @property
    def now(self) -> Clock:
        """What time it is."""
        return Clock(self._steps * self.copies, max(self._resets - 1, 0))

    def begin_episode(self) -> None:
        """Counts a reset."""
        self._steps += self._resets_take_a_step and self._episode_ended
        self._resets += 1
        self._episode_ended = False

    def tick(self, *, episode_ended: bool) -> None:
        """Counts a step."""
        self._steps += 1
        self._episode_ended = episode_ended

    def state_dict(self) -> dict[str, Any]:
        """The counts so far."""
        return {"steps": self._steps, "resets": self._resets, "episode_ended": self._episode_ended}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from the counts of another clock."""
        self._steps, self._resets, self._episode_ended = state["steps"], state["resets"], state["episode_ended"]
