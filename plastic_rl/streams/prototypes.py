"""Prototypes: each input is one of a few patterns, with some bits wrong, and its target belongs to the pattern."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from plastic_rl.streams.drawn import DrawnRegression
from plastic_rl.streams.draws import signs, source
from plastic_rl.streams.stream import Plan
from plastic_rl.streams.task import Task


class Prototypes(DrawnRegression):
    """Regression on noisy patterns; from task to task one pattern gives way to a new one with a target of its own.

    Ours: the case in which a feature that is imprinted on an example is a good one, since more like it will come.

    Args:
        plan: how it is gone through; one example at a time in the order in which they come.
        seed: of patterns, targets and all inputs.
        prototypes: patterns at a time.
        bits: of one input, each +1 or -1.
        noise: the probability that a bit is that of the pattern's opposite.
        examples: of a task.
        changes: replace a pattern, drawn at random, from task to task; else those of the first task stay.
        clustered: draw inputs around patterns. Else the control: inputs of independent bits, and for targets the votes
            of threshold units that have the patterns for weights: a pattern's target where its unit is on, else the
            opposite (the first breaks ties). It changes at the same times, but no input is like one before it.
        device: where examples are put.

    Raises:
        ValueError: there is no pattern, bit or example.
    """

    def __init__(
        self,
        plan: Plan,
        seed: int,
        *,
        prototypes: int = 60,
        bits: int = 40,
        noise: float = 0.05,
        examples: int = 250,
        changes: bool = True,
        clustered: bool = True,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(plan, seed, width=bits, count=examples, device=device)
        if min(prototypes, bits, examples) < 1:
            counts = f"prototypes={prototypes}, bits={bits}, examples={examples}"
            raise ValueError(f"there must be at least one of each, got {counts}")
        self.prototypes, self.bits, self.noise = prototypes, bits, noise
        self.changes, self.clustered = changes, clustered
        self._births = self._draw_births()

    def patterns(self, index: int) -> tuple[Float[Tensor, "prototypes bits"], Float[Tensor, " prototypes"]]:
        """The patterns of a task, and the target of each: +1 or -1."""
        births = self._births[index if self.changes else 0]
        drawn = torch.stack([self._pattern(place, birth) for place, birth in enumerate(births.tolist())])
        return drawn[:, :-1], drawn[:, -1]

    def task(self, index: int) -> Task:
        patterns, targets = self.patterns(index)
        make = self._around if self.clustered else self._apart_from
        inputs, wanted = make(patterns, targets, index)
        return self.drawn(index, inputs, wanted[:, None], identity=index if self.changes else 0)

    def _around(self, patterns: Tensor, targets: Tensor, index: int) -> tuple[Tensor, Tensor]:
        draws = source(self.seed, "inputs", index)
        shown = torch.randint(self.prototypes, (self.count,), generator=draws)
        is_wrong = torch.rand(self.count, self.bits, generator=draws) < self.noise
        return torch.where(is_wrong, -patterns[shown], patterns[shown]), targets[shown]

    def _apart_from(self, patterns: Tensor, targets: Tensor, index: int) -> tuple[Tensor, Tensor]:
        inputs = signs((self.count, self.bits), source(self.seed, "inputs", index))
        votes = torch.where(inputs @ patterns.T > 0, targets, -targets)
        tie_breaker = votes[:, 0] / 2
        return inputs, (votes.sum(1) + tie_breaker).sign()

    def _draw_births(self) -> Int[Tensor, "tasks prototypes"]:
        """For each task and place the task in which its pattern came."""
        births = torch.zeros(self.plan.tasks, self.prototypes, dtype=torch.int64)
        for index in range(1, self.plan.tasks):
            # One source for each task, so that a task does not depend on how many there are.
            place = torch.randint(self.prototypes, (1,), generator=source(self.seed, "replaced", index))
            births[index:, place] = index
        return births

    def _pattern(self, place: int, birth: int) -> Float[Tensor, " bits_and_target"]:
        return signs((self.bits + 1,), source(self.seed, "pattern", place, birth))
