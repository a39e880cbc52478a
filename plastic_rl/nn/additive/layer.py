"""What a decomposed layer must be able to do; there are two kinds, exact and reference."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from typing import Any

from jaxtyping import Bool
from torch import Tensor, nn

from plastic_rl.nn.additive.settings import Settings

# A name of a task: a number or a string, so that it can be saved.
Task = Hashable


def checked_name(name: Task) -> Task:
    """The name, if it is a number or a string.

    Raises:
        ValueError: otherwise.
    """
    if not isinstance(name, int | str):
        raise ValueError(f"a task's name must be a number or a string, got {name!r}")
    return name


class DecomposedLayer(ABC):
    """The shared part of one weight and what each task has of its own; the weight itself is the active task's θ.

    Args:
        name: of the weight in the network.
        weight: the parameter.
        settings: the hyper-parameters.
    """

    def __init__(self, name: str, weight: nn.Parameter, settings: Settings) -> None:
        self.name, self.weight, self.settings = name, weight, settings

    @property
    @abstractmethod
    def tasks(self) -> list[Task]:
        """The names of all tasks."""

    @abstractmethod
    def add(self, task: Task, like: Task | None) -> None:
        """Takes up a task, which starts from the shared part or like another one, and lets it learn."""

    @abstractmethod
    def open(self, task: Task) -> None:
        """Lets a task learn that is known already; no other is learning."""

    @abstractmethod
    def close(self, live: Tensor) -> None:
        """Stores what the learning task has learnt, its weights being ``live``; no task learns any more."""

    @abstractmethod
    def theta(self, task: Task) -> Tensor:
        """The weights of a task as stored, of the weight's shape."""

    @abstractmethod
    def starting_theta(self, task: Task) -> Tensor:
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
    def drop(self, task: Task) -> None:
        """Forgets a task."""

    @abstractmethod
    def consolidate(self, count: int) -> None:
        """Groups the tasks and moves what the members of a group agree on into a part that they share."""

    @abstractmethod
    def counts(self, live: Tensor | None) -> dict[str, int]:
        """How many numbers are kept: ``shared``, ``masks``, ``own`` and ``groups``.

        Args:
            live: the weights of the learning task, None where there is none.
        """

    @abstractmethod
    def nbytes(self, task: Task) -> int:
        """How many bytes a closed task takes here."""

    @abstractmethod
    def shared_nbytes(self) -> int:
        """How many bytes σ and the groups' parts take."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """What has to be saved: tensors, numbers, strings, lists and dicts."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state."""
