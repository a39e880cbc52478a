"""Networks that have one task at a time in front of them need outputs for one task only."""

from __future__ import annotations

from dataclasses import replace

from plastic_rl.streams.stream import Stream
from plastic_rl.streams.task import Task


def outputs_of_a_task(stream: Stream) -> int:
    """The number of outputs of the task with the most outputs."""
    return max(width(stream.task(index)) for index in range(stream.plan.tasks))


def alone(task: Task) -> Task:
    """The task as a network without other tasks' outputs has it: its outputs are the first."""
    return replace(task, outputs=slice(0, width(task)))


def width(task: Task) -> int:
    """The number of outputs of a task."""
    return task.outputs.stop - (task.outputs.start or 0)
