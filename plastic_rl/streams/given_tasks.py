"""A stream of tasks that somebody has already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from plastic_rl.streams.data.images import UNIT_SCALE
from plastic_rl.streams.stream import Plan, Stream
from plastic_rl.streams.task import Examples, Task, as_they_are


class GivenTasks(Stream):
    """Given tasks, one after another.

    ::

        images, labels = torch.randint(256, (8, 1, 4, 4)).byte(), torch.arange(8) % 2
        later = [(torch.rand(1, 4, 4), number % 2) for number in range(8)]
        stream = GivenTasks(Plan(tasks=2, batch_size=4), 0, [(images, labels), later])

    Where no `Task` says otherwise, all outputs count, and bytes are looked at as numbers from 0 to 1. It is regression
    if the targets are floating-point numbers.

    Args:
        plan: how it is gone through.
        seed: of the order of the examples.
        tasks: each a `Task`, `Examples`, a pair of inputs and targets (tensors or arrays), or a data set or DataLoader,
            which is gathered in memory.

    Raises:
        TypeError: inputs or targets are neither a tensor nor an array.
        ValueError: there are fewer tasks than planned, or a task has no examples.
    """

    def __init__(self, plan: Plan, seed: int, tasks: Sequence[Any]) -> None:
        super().__init__(plan, seed)
        if len(tasks) < plan.tasks:
            raise ValueError(f"the plan has {plan.tasks} tasks, and {len(tasks)} are given")
        self._given = [task if isinstance(task, Task) else _examples(task) for task in tasks]
        trains = [task.train if isinstance(task, Task) else task for task in self._given]
        for index, train in enumerate(trains):
            if not len(train):
                raise ValueError(f"task {index} has no examples")
        self.is_regression = trains[0].targets.is_floating_point()
        self._outputs = max(map(_outputs, self._given))

    @property
    def shape(self) -> tuple[int, ...]:
        task = self.task(0)
        inputs, _ = task.train.take(torch.tensor([0]))
        return tuple(task.view(inputs).shape[1:])

    @property
    def outputs(self) -> int:
        return self._outputs

    def task(self, index: int) -> Task:
        given = self._given[index]
        if isinstance(given, Task):
            return replace(given, index=index)
        view = UNIT_SCALE if given.inputs.dtype == torch.uint8 else as_they_are
        return Task(index, given, slice(0, self._outputs), view=view)


def _examples(given: Any) -> Examples:
    if isinstance(given, Examples):
        examples = given
    elif isinstance(given, tuple):
        examples = Examples(*given)
    else:
        examples = Examples.gathered(given)
    is_flat = examples.targets.is_floating_point() and examples.targets.ndim == 1
    return replace(examples, targets=examples.targets[:, None]) if is_flat else examples


def _outputs(given: Task | Examples) -> int:
    if isinstance(given, Task):
        return given.outputs.stop
    targets = given.targets
    return targets.shape[-1] if targets.is_floating_point() else int(targets.max()) + 1
