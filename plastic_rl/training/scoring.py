"""Sums of scores: how well examples were met, for each seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.learners.learner import Learner
from plastic_rl.learners.losses import scores
from plastic_rl.streams.task import Examples, Task

# As many examples as are made ready at once to be tested on.
MOST_AT_ONCE = 2000


class ScoreSums:
    """The sums of one pass, one for each seed.

    Args:
        seeds: how many.
    """

    def __init__(self, seeds: int) -> None:
        self.sums, self.count = [0.0] * seeds, 0

    def add(self, sums: Float[Tensor, " seeds"], count: int) -> None:
        """Takes in the scores of some more examples, and their number."""
        self.sums = [before + more for before, more in zip(self.sums, sums.tolist(), strict=True)]
        self.count += count

    def means(self) -> list[float]:
        """The mean score of an example, for each seed."""
        return [value / self.count for value in self.sums]

    def state_dict(self) -> dict[str, Any]:
        """The state that is needed to go on exactly."""
        return {"sums": list(self.sums), "count": self.count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state."""
        self.sums, self.count = list(state["sums"]), int(state["count"])


def measure(learner: Learner, tasks: Sequence[Task], examples: Sequence[Examples], is_regression: bool) -> list[float]:
    """For each seed the accuracy, or the mean squared error, on examples of its task."""
    tally = ScoreSums(len(tasks))
    for start in range(0, len(examples[0]), MOST_AT_ONCE):
        inputs, targets = look_at(tasks, examples, start, start + MOST_AT_ONCE)
        tally.add(scores(learner.predict(inputs, tasks[0]), targets, is_regression), inputs.shape[1])
    return tally.means()


def look_at(tasks: Sequence[Task], examples: Sequence[Examples], start: int, end: int) -> tuple[Tensor, Tensor]:
    """Some examples in the order in which they are kept: what the network of each seed sees, and its targets."""
    seen: list[tuple[Tensor, Tensor]] = []
    for task, kept in zip(tasks, examples, strict=True):
        inputs, targets = kept.take(torch.arange(start, min(end, len(kept)), device=kept.inputs.device))
        seen.append((task.view(inputs), task.relative(targets)))
    inputs, targets = zip(*seen, strict=True)
    return torch.stack(inputs), torch.stack(targets)
