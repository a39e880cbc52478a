"""The examples of a pass in the order in which they come, made ready on the device a chunk of updates at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from plastic_rl.streams.draws import source
from plastic_rl.streams.stream import Stream
from plastic_rl.streams.task import Task

# One gathering of this many examples instead of one for each update; few enough to stop and save between two.
EXAMPLES_IN_A_CHUNK = 1024


@dataclass(frozen=True)
class Chunk:
    """Consecutive minibatches of one pass, of all seeds.

    Args:
        start: the place of the first example in the pass.
        inputs: what the networks see.
        targets: class numbers counted from the task's first output, or numbers.
        batch_size: examples in an update; the last minibatch of a pass may have fewer.
    """

    start: int
    inputs: Shaped[Tensor, "seeds examples *shape"]
    targets: Shaped[Tensor, "seeds examples *outputs"]
    batch_size: int

    @property
    def end(self) -> int:
        """The place after the last example."""
        return self.start + self.inputs.shape[1]

    def minibatches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and targets of each update, of shape (seeds, batch, ...)."""
        return zip(self.inputs.split(self.batch_size, 1), self.targets.split(self.batch_size, 1), strict=True)


def chunks(streams: Sequence[Stream], tasks: Sequence[Task], epoch: int, start: int = 0) -> Iterator[Chunk]:
    """The chunks of one pass over the training examples of a task.

    Args:
        streams: one for each seed, alike in all but that.
        tasks: the task of each, of the same number of examples.
        epoch: the number of the pass, which gives its order.
        start: the place to go on from; the end of an earlier chunk.

    Yields:
        Chunks, the same whether the pass is gone through in one go or gone on with.
    """
    plan = streams[0].plan
    length = plan.batch_size * max(1, EXAMPLES_IN_A_CHUNK // plan.batch_size)
    orders = [order(stream, task, epoch) for stream, task in zip(streams, tasks, strict=True)]
    for place in range(start, len(tasks[0].train), length):
        ready = [
            _ready(stream, task, places[place : place + length], (epoch, place))
            for stream, task, places in zip(streams, tasks, orders, strict=True)
        ]
        inputs, targets = zip(*ready, strict=True)
        yield Chunk(place, _together(inputs), _together(targets), plan.batch_size)


def order(stream: Stream, task: Task, epoch: int) -> Int[Tensor, " n"]:
    """The order of a task's training examples in a pass, a function of the stream's seed."""
    device, count = task.train.inputs.device, len(task.train)
    if not stream.plan.shuffles:
        return torch.arange(count, device=device)
    # Drawn on the CPU, so that the order does not depend on the device.
    return torch.randperm(count, generator=source(stream.seed, "order", task.index, epoch)).to(device)


def _together(parts: tuple[Tensor, ...]) -> Tensor:
    return parts[0][None] if len(parts) == 1 else torch.stack(parts)  # one seed's need no copy


def _ready(stream: Stream, task: Task, places: Tensor, when: tuple[int, int]) -> tuple[Tensor, Tensor]:
    kept, targets = task.train.take(places)
    inputs = task.view(kept)
    if task.augment is not None:
        inputs = task.augment(inputs, source(stream.seed, "augment", task.index, *when))
    return inputs, task.relative(targets)
