"""One network trained on all tasks at once: what is possible where nothing has to be remembered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, count, islice
from typing import Any

import torch
from torch import Tensor

from plastic_rl.choices import Renewal
from plastic_rl.learners.backprop import Backprop, counted, precision
from plastic_rl.learners.delegating import DelegatingLearner
from plastic_rl.learners.learner import Blueprint
from plastic_rl.learners.losses import loss
from plastic_rl.streams.batches import chunks
from plastic_rl.streams.stream import Plan, Stream
from plastic_rl.streams.task import Task


class MultiTaskLearner(DelegatingLearner):
    """A fresh network for each task, trained on this one and all before it together: "MTL" of Yoon et al. (2020).

    After the last task it is the joint training of all tasks, in as many passes as the plan has for one. Each update
    takes a minibatch of every task met so far, each through its own outputs, and follows the mean of their losses; so
    it costs as many times as much as an update on one task. It needs the examples of all tasks for as long as it
    learns. Tasks that want different answers of the same outputs for the same inputs (labels permuted) cannot be
    learnt together.

    Args:
        blueprint: how a network is made; each task draws its own.
        stream: what it is to learn from, which makes the examples of earlier tasks again.
        device: where it lives.
    """

    def __init__(self, blueprint: Blueprint, stream: Stream, *, device: torch.device | str = "cpu") -> None:
        fresh = replace(blueprint, renewal=Renewal.network)
        super().__init__(Backprop(fresh, stream, seed=stream.seed, device=device))
        self.stream = stream
        self._join(0, 0)

    def begin(self, task: Task, plan: Plan) -> None:
        self.backprop.begin(task, plan)
        self._join(task.index, 0)

    def _join(self, index: int, updates: int) -> None:
        """Makes the minibatches of the tasks before the one with this index, after so many updates on it."""
        self.index, self.updates = index, updates
        current = self.stream.task(index).identity
        earlier = {task.identity: task for task in map(self.stream.task, range(index)) if task.identity != current}
        self.earlier = [(task, minibatches(self.stream, task, updates)) for task in earlier.values()]

    def update(self, inputs: Tensor, targets: Tensor, task: Task) -> Tensor:
        together = [(inputs[0], targets[0], task), *((*next(batches), each) for each, batches in self.earlier)]
        with precision(self.backprop.blueprint.precision, inputs.device):
            outputs_of_all = self.backprop.forward(torch.cat([seen for seen, _, _ in together]))
            parts = outputs_of_all.split([len(seen) for seen, _, _ in together])
            outputs = [counted(part, each) for part, (_, _, each) in zip(parts, together, strict=True)]
            errors = [
                loss(part, wanted, self.stream.is_regression)
                for part, (_, wanted, _) in zip(outputs, together, strict=True)
            ]
        self.backprop.descend(torch.stack(errors).mean())
        self.updates += 1
        return outputs[0].detach().clone()[None]

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "index": self.index, "updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self._join(state["index"], state["updates"])


def minibatches(stream: Stream, task: Task, start: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Inputs and targets of a task's minibatches, of shape (batch, ...), pass after pass without end.

    Args:
        stream: whose plan and seed give their size and order.
        task: one of its tasks.
        start: the number of the first minibatch, counted through all passes.
    """
    in_a_pass = -(-len(task.train) // stream.plan.batch_size)
    first_pass, place = divmod(start, in_a_pass)
    passes = (chunk for epoch in count(first_pass) for chunk in chunks([stream], [task], epoch))
    following = chain.from_iterable(chunk.minibatches() for chunk in passes)
    yield from ((inputs[0], targets[0]) for inputs, targets in islice(following, place, None))
