"""What keeps a run on a stream safe: checkpoints between minibatches, stops on request and on numbers gone bad."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from plastic_rl.errors import RunError, RunInterruptedError
from plastic_rl.runs import (
    Interruption,
    MetricsFile,
    Progress,
    RunFolder,
    RunRecord,
    Tracker,
    random_state,
    restore_random_state,
)
from plastic_rl.training.course import Course

logger = logging.getLogger(__name__)


class Keeper:
    """Keeps a run safe and tells of it: checkpoints between minibatches, stops on request and on numbers gone bad.

    Args:
        folder: the run's.
        record: of its status.
        metrics: its numbers.
        tracker: told of them as well.
        seconds: between two checkpoints.
        interruption: says whether somebody asked the run to stop.
    """

    progress: Progress

    def __init__(
        self,
        folder: RunFolder,
        record: RunRecord,
        metrics: MetricsFile,
        tracker: Tracker,
        *,
        seconds: float,
        interruption: Interruption,
    ) -> None:
        self.folder, self.run_record, self.metrics, self.tracker = folder, record, metrics, tracker
        self.seconds, self.interruption = seconds, interruption
        self.saved_at = -float("inf")
        self.last: dict[str, float] = {}
        self.news = ""

    def watch(self, course: Course, saved: Mapping[str, Any]) -> None:
        """Puts a course where a checkpoint was, if there is one, and keeps it from now on."""
        self.course = course
        if saved:
            course.restore(saved["course"])
            restore_random_state(saved["random"])
            logger.info("Going on from example %d of %s.", course.position.examples, self.folder.path)

    def write(self, step: int, numbers: list[dict[str, Any]]) -> None:
        """Writes a line for each seed; the tracker gets the means over seeds."""
        for own in numbers:
            self.metrics.write(step, own)
        means = means_over_seeds(numbers)
        self.tracker.log(step, means)
        ends = {name: value for name, value in means.items() if name.startswith(("online/", "test/"))}
        if ends:
            self.last = ends
            self.news = ", ".join(f"{name} {value:.3f}" for name, value in ends.items())

    def pause(self) -> None:
        """Between two chunks: shows progress, checks the numbers, and saves or stops where it is time."""
        position = self.course.position
        last = f", the last with {self.news}" if self.news else ""
        self.progress.update(position.examples, task=f"task {position.task}{last}")
        if not self.course.is_healthy:
            raise self._illness("the outputs are no longer finite numbers")
        if self.interruption.requested:
            self.save()
            raise RunInterruptedError(
                f"Interrupted at example {position.examples}; the same command goes on from there.",
                self.interruption.exit_code,
            )
        if time.monotonic() - self.saved_at >= self.seconds:
            self.save()

    def save(self) -> None:
        """Saves a checkpoint now, if the weights are sound."""
        self.check_health()
        examples = self.course.position.examples
        self.run_record.update(examples)
        own = {"metrics": self.metrics.position, "tracker": self.tracker.run_id, "random": random_state()}
        self.folder.checkpoints.save(examples, {"course": self.course.state(), **own})
        self.saved_at = time.monotonic()

    def check_health(self) -> None:
        """Stops the run if a weight is not a finite number, before it could be saved.

        Raises:
            RunError: says after which example, where the last healthy checkpoint is, and what to try.
        """
        if not self.course.learner.is_healthy():
            raise self._illness("the weights are no longer finite numbers")

    def _illness(self, what: str) -> RunError:
        folder = self.folder.checkpoints.directory
        healthy = f"The last healthy checkpoint is the newest in {folder}" if folder.is_dir() else "Nothing was saved"
        return RunError(
            f"Example {self.course.position.examples}: {what}. {healthy}; try a smaller agent.learning_rate."
        )


def means_over_seeds(numbers: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The mean of each quantity that is a number for every seed, the seeds themselves aside."""
    shared = [
        name for name in numbers[0] if name != "seed" and all(isinstance(own.get(name), int | float) for own in numbers)
    ]
    return {name: sum(own[name] for own in numbers) / len(numbers) for name in shared}
