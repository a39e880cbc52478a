"""Learners around another one, which they tell when to do what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from plastic_rl.learners.backprop import Backprop
from plastic_rl.learners.learner import Learner
from plastic_rl.streams.task import Task


class DelegatingLearner(Learner):
    """The base of learners that have one network learn, and look after earlier tasks.

    Args:
        backprop: what learns.
    """

    def __init__(self, backprop: Backprop) -> None:
        self.backprop, self.seeds = backprop, backprop.seeds

    @property
    def networks(self) -> Sequence[nn.Module]:
        return self.backprop.networks

    @property
    def optimizers(self) -> Sequence[Optimizer]:
        return self.backprop.optimizers

    def set_learning_rate_factor(self, factor: float) -> None:
        self.backprop.set_learning_rate_factor(factor)

    def update(self, inputs: Tensor, targets: Tensor, task: Task) -> Tensor:
        return self.backprop.update(inputs, targets, task)

    def predict(self, inputs: Tensor, task: Task) -> Tensor:
        return self.backprop.predict(inputs, task)

    def diagnose(self, inputs: Tensor) -> list[dict[str, float]]:
        return self.backprop.diagnose(inputs)

    def fresh_network(self, place: int, *purpose: object) -> nn.Module:
        return self.backprop.fresh_network(place, *purpose)

    def metrics(self) -> list[dict[str, int | float]]:
        return self.backprop.metrics()

    def state_dict(self) -> dict[str, Any]:
        return self.backprop.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.backprop.load_state_dict(state)
