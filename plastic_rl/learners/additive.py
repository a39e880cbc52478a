"""Additive parameter decomposition on streams: each task has its own weights, most of which it shares with others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from plastic_rl.learners.backprop import Backprop
from plastic_rl.learners.delegating import DelegatingLearner
from plastic_rl.learners.learner import Blueprint
from plastic_rl.learners.separate_heads import alone
from plastic_rl.nn.additive import AdditiveDecomposition, AdditiveOptimizer
from plastic_rl.streams.stream import Plan, Stream
from plastic_rl.streams.task import Task

# Makes the tasks of a network, given the identity of the first.
Decomposition = Callable[[nn.Module, int], AdditiveDecomposition]


class AdditiveLearner(DelegatingLearner):
    """One network with the weights of the task in hand; what is said of an old task is what was said when it was left.

    A task's identity is its name: one that was there before goes on from the weights that it had. The output layer
    belongs to each task alone, so that the network needs outputs for one task only
    (:func:`plastic_rl.learners.separate_heads.outputs_of_a_task`). The method of the blueprint goes inside: continual
    backprop replaces units of what is shared.

    Args:
        blueprint: how the network is made; nothing is drawn afresh between tasks.
        decomposition: makes the tasks of the network.
        stream: what it is to learn from.
        device: where it lives.

    Raises:
        ValueError: the plan carries the best weights over, which would leave masks and weights of different moments.
    """

    def __init__(
        self, blueprint: Blueprint, decomposition: Decomposition, stream: Stream, *, device: torch.device | str = "cpu"
    ) -> None:
        if stream.plan.carries_best:
            raise ValueError("this stream carries its best weights over, which additive decomposition does not offer")
        super().__init__(Backprop(blueprint, stream, seed=stream.seed, device=device))
        self.tasks = decomposition(self.backprop.network, stream.task(0).identity)
        self.backprop.optimizer = AdditiveOptimizer(self.backprop.optimizer, decomposition=self.tasks)

    def begin(self, task: Task, plan: Plan) -> None:
        is_known = task.identity in self.tasks.tasks
        if is_known:
            self.tasks.task(task.identity)
        else:
            self.tasks.new_task(task.identity)
        # A task that returns keeps its head.
        is_return = is_known and task.index > 0
        self.backprop.begin(alone(task), replace(plan, zeroes_head=plan.zeroes_head and not is_return))

    def update(self, inputs: Tensor, targets: Tensor, task: Task) -> Tensor:
        return self.backprop.update(inputs, targets, alone(task))

    def predict(self, inputs: Tensor, task: Task) -> Tensor:
        with self.tasks.task(task.identity):
            return self.backprop.predict(inputs, alone(task))
