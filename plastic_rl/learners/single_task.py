"""A network of its own for each task: nothing is shared and nothing forgotten, at the price of a network a task."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from plastic_rl.choices import Renewal
from plastic_rl.learners.backprop import Backprop
from plastic_rl.learners.delegating import DelegatingLearner
from plastic_rl.learners.learner import Blueprint
from plastic_rl.learners.separate_heads import alone
from plastic_rl.optim.forgetting import forget_everything
from plastic_rl.streams.stream import Plan, Stream
from plastic_rl.streams.task import Task


class SingleTaskLearner(DelegatingLearner):
    """A fresh network for each task, and the old one for a task that returns: "STL" of Yoon et al. (2020).

    Args:
        blueprint: how a network is made; each task draws its own.
        stream: what it is to learn from.
        device: where the network in hand lives; the others wait there as well.
    """

    def __init__(self, blueprint: Blueprint, stream: Stream, *, device: torch.device | str = "cpu") -> None:
        fresh_each_task = replace(blueprint, renewal=Renewal.network)
        super().__init__(Backprop(fresh_each_task, stream, seed=stream.seed, device=device))
        self.active = stream.task(0).identity
        self.waiting: dict[int, dict[str, Tensor]] = {}

    def begin(self, task: Task, plan: Plan) -> None:
        if task.index == 0:
            self.backprop.begin(alone(task), plan)
            return
        self._set_aside()
        if task.identity in self.waiting:
            self.backprop.network.load_state_dict(self.waiting.pop(task.identity))
            forget_everything(self.backprop.optimizer)
        else:
            self.backprop.begin(alone(task), plan)
        self.active = task.identity

    def _set_aside(self) -> None:
        self.waiting[self.active] = deepcopy(dict(self.backprop.network.state_dict()))

    def update(self, inputs: Tensor, targets: Tensor, task: Task) -> Tensor:
        return self.backprop.update(inputs, targets, alone(task))

    def predict(self, inputs: Tensor, task: Task) -> Tensor:
        if task.identity == self.active:
            return self.backprop.predict(inputs, alone(task))
        if task.identity not in self.waiting:
            raise ValueError(f"there is no task {task.identity}; there are {[*self.waiting, self.active]}")
        in_hand = deepcopy(self.backprop.network.state_dict())
        self.backprop.network.load_state_dict(self.waiting[task.identity])
        outputs = self.backprop.predict(inputs, alone(task))
        self.backprop.network.load_state_dict(in_hand)
        return outputs

    def metrics(self) -> list[dict[str, int | float]]:
        """The number of networks kept, beside what the method counts."""
        return [{**counts, "networks": len(self.waiting) + 1} for counts in super().metrics()]

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "active": self.active, "waiting": dict(self.waiting)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.active, self.waiting = state["active"], dict(state["waiting"])
