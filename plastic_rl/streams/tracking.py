"""Tracking: a linear target most of whose inputs are irrelevant, and of whose relevant ones a sign flips at times.

Sutton, "Adapting bias by gradient descent: an incremental version of delta-bar-delta", AAAI 1992, "Task 1".
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.streams.drawn import DrawnRegression
from plastic_rl.streams.draws import source
from plastic_rl.streams.stream import Plan
from plastic_rl.streams.task import Task


class SignTracking(DrawnRegression):
    """Inputs are drawn from a normal distribution, and the target is the sum of some of them, each with a sign.

    A task is a stretch of the stream, of which one line of metrics tells: signs flip inside it, between two examples,
    and what is learned goes on being true into the next.

    Args:
        plan: how it is gone through; one example at a time in the order in which they come.
        seed: of everything that is drawn.
        inputs: how many.
        relevant: the first of them, which the target depends on; with a sign that is drawn.
        flip_every: examples from one flip of a sign, drawn among the relevant ones, to the next; 0 for never.
        noise: standard deviation of what is added to targets.
        examples: of a task.
        device: where examples are put.

    Raises:
        ValueError: there are more relevant inputs than inputs.
    """

    def __init__(
        self,
        plan: Plan,
        seed: int,
        *,
        inputs: int = 20,
        relevant: int = 5,
        flip_every: int = 20,
        noise: float = 0.0,
        examples: int = 1000,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(plan, seed, width=inputs, count=examples, device=device)
        if not 0 < relevant <= inputs:
            raise ValueError(f"relevant must be from 1 to inputs={inputs}, got {relevant}")
        self.inputs, self.relevant, self.flip_every, self.noise = inputs, relevant, flip_every, noise
        self._signs = self._all_signs()

    def task(self, index: int) -> Task:
        inputs = torch.randn(self.count, self.inputs, generator=source(self.seed, "inputs", index))
        noise = torch.randn(self.count, 1, generator=source(self.seed, "noise", index))
        targets = self.signal(index, inputs) + self.noise * noise
        return self.drawn(index, inputs, targets, identity=0)

    def signal(self, index: int, inputs: Float[Tensor, "examples inputs"]) -> Float[Tensor, "examples 1"]:
        """The targets of a task's inputs, in their order, before noise."""
        return (inputs[:, : self.relevant] * self.signs(index)).sum(1, keepdim=True)

    def signs(self, index: int) -> Float[Tensor, "examples relevant"]:
        """The signs of the relevant inputs at each example of a task."""
        if not self.flip_every:
            return self._signs[:1].expand(self.count, -1)
        place = torch.arange(index * self.count, (index + 1) * self.count)
        return self._signs[place.div(self.flip_every, rounding_mode="floor")]

    def _all_signs(self) -> Float[Tensor, "periods relevant"]:
        """The signs from one flip to the next, each flip drawn by itself, so that longer streams begin alike."""
        first = torch.randint(2, (1, self.relevant), generator=source(self.seed, "signs")) * 2 - 1
        length = self.plan.tasks * self.count
        periods = -(-length // self.flip_every) if self.flip_every else 1
        draws = source(self.seed, "flips")
        flipped = [int(torch.randint(self.relevant, (), generator=draws)) for _ in range(periods - 1)]
        factors = torch.ones(periods, self.relevant)
        factors[torch.arange(1, periods), torch.tensor(flipped, dtype=torch.int64)] = -1
        return first * factors.cumprod(0)
