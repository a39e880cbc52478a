"""Several seeds whose learners take turns at each update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from plastic_rl.learners.learner import Learner
from plastic_rl.streams.stream import Plan
from plastic_rl.streams.task import Task


class OneByOne(Learner):
    """Learners of one seed each, which take turns: bit for bit what each does alone.

    Slower than one batched network where networks are small, and faster where they convolve on a CPU: the activations
    of all seeds together then are too large for its caches and its allocator.

    Args:
        learners: one for each seed.
    """

    def __init__(self, learners: Sequence[Learner]) -> None:
        self.learners = list(learners)
        self.seeds = tuple(seed for learner in self.learners for seed in learner.seeds)

    @property
    def networks(self) -> list[nn.Module]:
        return [network for learner in self.learners for network in learner.networks]

    @property
    def optimizers(self) -> Sequence[Optimizer]:
        return self.learners[0].optimizers

    def begin(self, task: Task, plan: Plan) -> None:
        for learner in self.learners:
            learner.begin(task, plan)

    def set_learning_rate_factor(self, factor: float) -> None:
        for learner in self.learners:
            learner.set_learning_rate_factor(factor)

    def update(self, inputs: Tensor, targets: Tensor, task: Task) -> Tensor:
        turns = zip(self.learners, inputs.split(1), targets.split(1), strict=True)
        return torch.cat([learner.update(x, y, task) for learner, x, y in turns])

    def predict(self, inputs: Tensor, task: Task) -> Tensor:
        turns = zip(self.learners, inputs.split(1), strict=True)
        return torch.cat([learner.predict(x, task) for learner, x in turns])

    def diagnose(self, inputs: Tensor) -> list[dict[str, float]]:
        turns = zip(self.learners, inputs.split(1), strict=True)
        return [measured for learner, x in turns for measured in learner.diagnose(x)]

    def fresh_network(self, place: int, *purpose: object) -> nn.Module:
        return self.learners[place].fresh_network(0, *purpose)

    def metrics(self) -> list[dict[str, int | float]]:
        return [counted for learner in self.learners for counted in learner.metrics()]

    def state_dict(self) -> dict[str, Any]:
        return {"learners": [learner.state_dict() for learner in self.learners]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for learner, saved in zip(self.learners, state["learners"], strict=True):
            learner.load_state_dict(saved)
