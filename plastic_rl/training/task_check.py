"""Looks at a task before anything is learned from it, and says what does not fit the stream or the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from plastic_rl.errors import UserError
from plastic_rl.streams.stream import Stream
from plastic_rl.streams.task import Examples, Task


def check_streams(streams: Any) -> None:
    """Refuses what is no list of streams.

    Raises:
        UserError: it is not.
    """
    if not isinstance(streams, list | tuple) or not streams or not all(isinstance(each, Stream) for each in streams):
        kind = type(streams).__name__
        raise UserError(
            f"streams must be a list of Streams, one for each seed, got {kind}; plastic_rl.streams.GivenTasks makes a "
            "stream of data sets, DataLoaders and arrays"
        )


def check_tasks(streams: Sequence[Stream], tasks: Sequence[Any], network: nn.Module) -> None:
    """Refuses tasks that cannot be learned, or not as they are meant.

    Args:
        streams: one for each seed.
        tasks: the same task of each.
        network: one that is to learn them.

    Raises:
        UserError: a task is not what it should be.
    """
    for stream, task in zip(streams, tasks, strict=True):
        if not isinstance(task, Task):
            raise UserError(f"{type(stream).__name__}.task must return a Task, got {type(task).__name__}")
        for fault in _faults(stream, task, network):
            raise UserError(f"task {task.index} of {type(stream).__name__}: {fault}")
    sizes = {len(task.train) for task in tasks}
    if len(sizes) > 1:
        raise UserError(f"task {tasks[0].index} must have as many examples for each seed, got {sorted(sizes)}")


def _faults(stream: Stream, task: Task, network: nn.Module) -> Iterator[str]:
    parts = {"train": task.train, "test": task.test, "validation": task.validation}
    for name, examples in parts.items():
        if examples is not None and not isinstance(examples, Examples):
            yield f"{name} must be Examples, got {type(examples).__name__}; Examples.gathered(source) makes them of one"
            return
    if not len(task.train):
        yield "there are no examples to learn from"
        return
    yield from _faults_of_inputs(stream, task, network)
    for name, examples in parts.items():
        if examples is not None and len(examples):
            targets = examples.targets if examples.rows is None else examples.targets[examples.rows]
            yield from _faults_of_targets(stream, task, targets, name)


def _faults_of_inputs(stream: Stream, task: Task, network: nn.Module) -> Iterator[str]:
    kept, _ = task.train.take(torch.tensor([0]))
    seen = task.view(kept)
    if tuple(seen.shape[1:]) != tuple(stream.shape):
        yield f"an input is of shape {tuple(seen.shape[1:])}, and the stream says shape={tuple(stream.shape)}"
    weight = next((each for each in network.parameters() if each.is_floating_point()), None)
    if weight is None or seen.dtype == weight.dtype:
        return
    yield (
        f"inputs are {_name(seen)}, and the network computes in {_name(weight)}; give the task a view, such as "
        + ("view=plastic_rl.streams.data.UNIT_SCALE" if seen.dtype == torch.uint8 else "view=torch.Tensor.float")
    )


def _faults_of_targets(stream: Stream, task: Task, targets: Tensor, name: str) -> Iterator[str]:
    first, last = task.outputs.start or 0, task.outputs.stop
    if stream.is_regression:
        if targets.ndim != 2 or targets.shape[1] != last - first:
            yield (
                f"the {name} targets are of shape {tuple(targets.shape)}, and must be (examples, {last - first}): a "
                f"number for each output{', targets[:, None]' if targets.ndim == 1 else ''}"
            )
    elif targets.ndim != 1:
        yield f"the {name} targets are of shape {tuple(targets.shape)}; give class numbers, such as targets.argmax(1)"
    elif targets.is_floating_point():
        yield (
            f"the {name} targets are {_name(targets)}; class numbers are whole ones (targets.long()), and numbers to "
            "regress on need is_regression = True in the stream"
        )
    elif int(targets.min()) < first or int(targets.max()) >= last:
        yield (
            f"the {name} targets go from {int(targets.min())} to {int(targets.max())}, and the task's outputs from "
            f"{first} to {last - 1}"
        )


def _name(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
