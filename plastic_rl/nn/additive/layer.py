"""The interface of a decomposed layer; there are two kinds, exact and reference."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from jaxtyping import Bool
from torch import Tensor, nn

from plastic_rl.nn.additive.settings import DecompositionSettings
from plastic_rl.nn.additive.task_names import TaskName


class DecomposedLayer(ABC):
    """The shared part of one weight and what each task has of its own; the weight itself is the active task's θ.

    Args:
        name: of the weight in the network.
        weight: the parameter.
        settings: the hyper-parameters.
    """

    def __init__(self, name: str, weight: nn.Parameter, settings: DecompositionSettings) -> None:
        self.name, self.weight, self.settings = name, weight, settings

    @property
    @abstractmethod
    def tasks(self) -> list[TaskName]:
        """The names of all tasks."""

    @abstractmethod
    def add(self, task: TaskName, like: TaskName | None) -> None:
        """Takes up a task, which starts from the shared part or like another one, and lets it learn."""

    @abstractmethod
    def open(self, task: TaskName) -> None:
        """Lets a task learn that is known already; no other is learning."""

    @abstractmethod
    def close(self, live: Tensor) -> None:
        """Stores what the learning task has learnt, its weights being ``live``; no task learns any more."""

    @abstractmethod
    def theta(self, task: TaskName) -> Tensor:
        """The weights of a task as stored, of the weight's shape."""

    @abstractmethod
    def starting_theta(self, task: TaskName) -> Tensor:
        """The weights from which a task goes on learning."""

    @abstractmethod
    def before_step(self) -> None:
        """Called before each step of the wrapped optimiser on the learning task."""

    @abstractmethod
    def after_step(self, rate: float) -> None:
        """Called after each step, with the learning rate of the weight."""

    @abstractmethod
    def adopt(self, where: Bool[Tensor, "rows *columns"]) -> None:
        """Makes σ there what the learning task has now; all other tasks keep their weights."""

    @abstractmethod
    def drop(self, task: TaskName) -> None:
        """Forgets a task."""

    @abstractmethod
    def consolidate(self, count: int) -> None:
        """Groups the tasks and moves what the members of a group agree on into a part that they share."""

    @abstractmethod
    def counts(self, live: Tensor | None) -> dict[str, int]:
        """Counts the numbers that are kept: ``shared``, ``masks``, ``own`` and ``groups``.

        Args:
            live: the weights of the learning task, None where there is none.
        """

    @abstractmethod
    def nbytes(self, task: TaskName) -> int:
        """The bytes that a closed task takes here."""

    @abstractmethod
    def shared_nbytes(self) -> int:
        """The bytes that σ and the groups' parts take."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """A state to go on from exactly: tensors, numbers, strings, lists and dicts."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state."""
