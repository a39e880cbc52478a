"""Streams: supervised problems that arrive task by task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from plastic_rl.streams.task import Task


@dataclass(frozen=True)
class Plan:
    """The way in which a stream is gone through.

    Args:
        tasks: how many tasks.
        epochs: passes over a task's training examples.
        batch_size: examples in an update.
        shuffles: draw a new order for each pass; else the examples come as they are.
        zeroes_head: set the last layer of the network to zero at the start of each task.
        restarts_optimizer: let the optimiser forget its state at the start of each task.
        carries_best: after each pass measure validation accuracy; the next task begins with the best weights.
        milestones: passes of a task after which the learning rate is multiplied by `decay`.
        decay: the factor.
        looks_back: after each task test on all tasks so far, for forgetting and transfer.

    Raises:
        ValueError: a count is below 1.
    """

    tasks: int
    epochs: int = 1
    batch_size: int = 1
    shuffles: bool = True
    zeroes_head: bool = False
    restarts_optimizer: bool = False
    carries_best: bool = False
    milestones: tuple[int, ...] = ()
    decay: float = 1.0
    looks_back: bool = False

    def __post_init__(self) -> None:
        for name in ("tasks", "epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    def learning_rate_factor(self, epoch: int) -> float:
        """The factor of the learning rate in a pass of a task, the first being 0."""
        return self.decay ** sum(epoch >= milestone for milestone in self.milestones)


class Stream(ABC):
    """A supervised problem that arrives task by task.

    A task is a function of the stream's seed and its number, so that a run needs to save nothing of it.

    Args:
        plan: how it is gone through.
        seed: of everything that is drawn.
    """

    is_regression: bool = False
    """True if targets are numbers, and the error squared; else they are classes, and the loss is cross-entropy."""

    def __init__(self, plan: Plan, seed: int) -> None:
        self.plan, self.seed = plan, seed

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of one input, as the network sees it."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """The number of outputs that the network needs for all tasks together."""

    @abstractmethod
    def task(self, index: int) -> Task:
        """The task number `index`, from 0 to `plan.tasks - 1`."""

    def examples(self, index: int) -> int:
        """The number of training examples of the task; streams that know it without making the task say so."""
        return len(self.task(index).train)
