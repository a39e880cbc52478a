"""Says that an environment has announced a change which a detector has not noticed."""

from __future__ import annotations

import logging

logger = logging.getLogger(__name__)

PATIENCE = 20_000
"""Environment steps: ten times the longest delay of a change that was noticed (benchmarks/change_detection.py)."""


class MissedChanges:
    """Compares what is announced with what is noticed; a missed change is said once, in one line.

    The first task that it hears of is no change, also where a run goes on from a checkpoint.
    """

    def __init__(self) -> None:
        self.task: int | None = None
        self.announced: int | None = None  # the step of a change that has not been noticed yet
        self.noticed, self.is_said = 0, False

    def look(self, task: int | None, noticed: int, step: int) -> None:
        """Takes note of how things stand as a rollout ends.

        Args:
            task: the number of the task that the environment announced last; None where it announces none.
            noticed: number of changes so far.
            step: environment steps so far.
        """
        if noticed != self.noticed:
            self.announced = None
        is_new = task != self.task
        waited = 0 if self.announced is None else step - self.announced
        if waited and not self.is_said and (is_new or waited >= PATIENCE):
            self.is_said = True
            logger.warning(
                "step %s: the environment announced a change by step %s, and it was not noticed: no method acts on it. "
                "Have changes announced (agent.changes_from=announced), or give methods every=<updates>.",
                *(f"{step:,}", f"{self.announced:,}"),
            )
        if is_new and self.task is not None and noticed == self.noticed:
            self.announced = step
        self.task, self.noticed = task, noticed
