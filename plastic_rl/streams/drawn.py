"""Regression on examples that are drawn as they are needed, so many for each task."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.streams.stream import Plan, Stream
from plastic_rl.streams.task import Examples, Task


class DrawnRegression(Stream):
    """A stream of vectors, each with one number for a target.

    Args:
        plan: how it is gone through.
        seed: of everything that is drawn.
        width: numbers of one input.
        count: examples of a task.
        device: where examples are put.
    """

    is_regression = True

    def __init__(self, plan: Plan, seed: int, *, width: int, count: int, device: torch.device | str) -> None:
        super().__init__(plan, seed)
        self.width, self.count, self.device = width, count, device

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.width,)

    @property
    def outputs(self) -> int:
        return 1

    def examples(self, index: int) -> int:
        return self.count

    def drawn(
        self,
        index: int,
        inputs: Float[Tensor, "examples inputs"],
        targets: Float[Tensor, "examples 1"],
        *,
        identity: int,
        **description: Any,
    ) -> Task:
        """A task of some examples, which are put where they belong.

        Args:
            index: of the task.
            inputs: of its examples.
            targets: of its examples.
            identity: of the task, the same for tasks that are alike.
            description: what else there is to say of it.
        """
        train = Examples(inputs.to(self.device), targets.to(self.device))
        return Task(index, train, slice(0, 1), identity=identity, **description)
