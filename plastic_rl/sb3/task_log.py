"""Which tasks a run has met: the one that was written down last, and the one that each copy of the world is in."""

from __future__ import annotations

from typing import Any


class TaskLog:
    """Tells whether a task is new to the run, though its sub-environments enter it one by one, at their own resets.

    Attributes:
        task: the run's, as ``info["task"]`` announced it; empty where there are no tasks.
        label: the same for people: its index and its real parameters.
        told: the index of the task that the model's methods know to be in; None before they were told of any.
    """

    def __init__(self) -> None:
        self.of_copies: dict[int, int | None] = {}
        self.told: int | None = None
        self.take({})

    def enters(self, copy: int, task: dict[str, Any]) -> bool:
        """True if a copy is the first to enter a task; it is then the run's.

        Args:
            copy: the number of the sub-environment.
            task: as ``info["task"]`` announces it; empty where there are no tasks.
        """
        before = self.of_copies.get(copy, self.task.get("index"))
        self.of_copies[copy] = task.get("index")
        if not task or task["index"] in (before, self.task.get("index")):
            return False
        self.take(task)
        return True

    def take(self, task: dict[str, Any]) -> None:
        """Makes a task the run's."""
        self.task, self.label = task, label(task)


def label(task: dict[str, Any]) -> str | None:
    """A task's index and its real parameters, for people; None where there are no tasks."""
    numbers = [f"{name} {value:.3g}" for name, value in task.items() if isinstance(value, float)]
    return ", ".join([f"task {task['index']}", *numbers]) if task else None


def named(task: dict[str, Any]) -> dict[str, Any]:
    """A task's index and parameters under the names that metrics have."""
    return {f"task/{name}": value for name, value in task.items()}
