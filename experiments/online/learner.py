"""Learners of streams that come an example at a time, all seeds side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.online.network import Networks
from experiments.online.replacement import Replacement
from experiments.online.training import Trainer
from plastic_rl.learners import Learner
from plastic_rl.streams import Plan, Stream, Task


class OnlineLearner(Protocol):
    """Learns from an example at a time."""

    def begin(self, task: Task, plan: Plan) -> None:
        """Prepares for a new task."""
        ...

    def learn(
        self, inputs: Float[Tensor, "seeds inputs"], targets: Float[Tensor, " seeds"], task: Task
    ) -> Float[Tensor, " seeds"]:
        """Learns from one example for each seed, and returns what was predicted before."""
        ...


class SideBySide:
    """Networks side by side, what trains them, and what replaces their units.

    Args:
        networks: the networks.
        trainers: of their parameters, in the order in which they act.
        replacement: of units; None for none.
    """

    def __init__(self, networks: Networks, trainers: Sequence[Trainer], replacement: Replacement | None = None) -> None:
        self.networks, self.trainers, self.replacement = networks, trainers, replacement

    def begin(self, task: Task, plan: Plan) -> None:
        """Prepares for nothing: nobody says that something has changed."""

    def learn(self, inputs: Tensor, targets: Tensor, task: Task) -> Tensor:
        """Learns from one example for each seed, and returns what was predicted before."""
        outputs = self.networks.predict(inputs)
        errors = targets - outputs
        for trainer in self.trainers:
            trainer.learn(self.networks, errors)
        if self.replacement is not None:
            self.replacement.after_step(self.trainers, errors)
        return outputs


class OfAgent:
    """A learner of `train.py`, shown one example at a time.

    Args:
        learner: of as many seeds as there are streams.
    """

    def __init__(self, learner: Learner) -> None:
        self.learner = learner

    def begin(self, task: Task, plan: Plan) -> None:
        """Prepares for a new task, as the learner does."""
        with torch.enable_grad():
            self.learner.begin(task, plan)

    def learn(self, inputs: Tensor, targets: Tensor, task: Task) -> Tensor:
        """Learns from one example for each seed, and returns what was predicted before."""
        with torch.enable_grad():
            return self.learner.update(inputs[:, None], targets[:, None, None], task)[:, 0, 0]


@torch.no_grad()
def errors_of(learner: OnlineLearner, streams: Sequence[Stream], index: int) -> Float[Tensor, "examples seeds"]:
    """The squared error of each prediction in a task, before it was learned from."""
    tasks = [stream.task(index) for stream in streams]
    learner.begin(tasks[0], streams[0].plan)
    inputs = torch.stack([task.train.inputs for task in tasks], 1)
    targets = torch.stack([task.train.targets[:, 0] for task in tasks], 1)
    outputs = torch.stack([learner.learn(*pair, tasks[0]) for pair in zip(inputs, targets, strict=True)])
    return (outputs - targets).square()
