"""The test results of a run, from which forgetting and transfer are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plastic_rl.continual import average, backward_transfer, forgetting
from plastic_rl.learners.learner import Learner
from plastic_rl.streams.stream import Stream
from plastic_rl.streams.task import Task
from plastic_rl.training.scoring import measure


class Transcript:
    """Test accuracies, by task and seed.

    Notation: R(i, j) is the accuracy on task j after task i, j ≤ i (Lopez-Paz & Ranzato 2017; Chaudhry et al. 2018).
    """

    def __init__(self) -> None:
        self.rows: list[list[list[float]]] = []  # R, with a last axis of seeds
        self.left: dict[int, list[float]] = {}  # by identity: the result with which a task was left

    def look_back(self, learner: Learner, streams: Sequence[Stream], last: int) -> None:
        """Adds a row to R: tests on each task up to the last."""
        tasks = ([stream.task(index) for stream in streams] for index in range(last + 1))
        self.rows.append([tested(learner, each, streams[0].is_regression) for each in tasks])

    def metrics(self, seed: int) -> dict[str, float]:
        """Average accuracy, forgetting and backward transfer by now, as far as they are defined.

        They are `test/average`, `forgetting` and `transfer/backward` (:mod:`plastic_rl.continual`).

        Args:
            seed: the place of the seed.
        """
        if not self.rows:
            return {}
        rows = [[values[seed] for values in row] for row in self.rows]
        numbers = {
            "test/average": average(rows),
            "forgetting": forgetting(rows),
            "transfer/backward": backward_transfer(rows),
        }
        return {name: value for name, value in numbers.items() if value is not None}

    def state_dict(self) -> dict[str, Any]:
        """The state that is needed to go on exactly."""
        return {"rows": [list(row) for row in self.rows], "left": dict(self.left)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state."""
        self.rows, self.left = [list(row) for row in state["rows"]], dict(state["left"])


def tested(learner: Learner, tasks: Sequence[Task], is_regression: bool) -> list[float]:
    """For each seed the result on the test examples of its task.

    Raises:
        ValueError: the task has none.
    """
    tests = [task.test for task in tasks if task.test is not None]
    if len(tests) < len(tasks):
        raise ValueError(f"task {tasks[0].index} has no examples to be tested on")
    return measure(learner, tasks, tests, is_regression)
