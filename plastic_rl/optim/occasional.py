"""The base of methods that act now and then: at changes, at an interval, or when they are told to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from torch.optim import Optimizer

from plastic_rl.optim.base import PlasticOptimizer
from plastic_rl.validation import whole_number


class Occasional(PlasticOptimizer, ABC):
    """Acts when a task begins, every so many updates, or both.

    On streams the learner tells when a task begins; under Stable-Baselines3 ``info["task"]`` does, through
    :class:`plastic_rl.sb3.ChangeAnnouncements`, which :func:`plastic_rl.sb3.train_model` has; in a loop of one's own
    ``optimizer.begin_task()`` does. Where nobody knows of changes, there is the interval.

    Args:
        optimizer: what moves the parameters.
        on_change: act when a task begins, but for the first.
        every: updates between two actions; 0 for no interval.

    Raises:
        ValueError: the interval is not a whole number of 0 or more.
    """

    counter: ClassVar[str]
    """The name of the metric that counts how often the method has acted."""

    def __init__(self, optimizer: Optimizer, *, on_change: bool, every: int) -> None:
        super().__init__(optimizer)
        self.on_change, self.every = on_change, whole_number("every", every)
        self.memory = {"step": 0, "times": 0}

    @abstractmethod
    def act(self) -> None:
        """Does the method's work, once."""

    @torch.no_grad()
    def act_now(self) -> None:
        """Does the method's work at this moment, whatever was agreed."""
        self.memory["times"] += 1
        self.act()

    @property
    def acts_at_changes(self) -> bool:
        return self.on_change

    @property
    def waits_for_changes(self) -> bool:
        return self.on_change and not self.every

    def at_change(self) -> None:
        if self.on_change:
            self.act_now()

    def after_step(self) -> None:
        self.memory["step"] += 1
        if self.every and self.memory["step"] % self.every == 0:
            self.act_now()

    def concerns(self, updates: int | None = None) -> Iterator[str]:
        if not self.on_change and not self.every:
            yield f"on_change is False and every is 0: {type(self).__name__} never acts by itself."
        elif not self.on_change:
            yield from idle(self, self.every, updates)

    def metrics(self) -> dict[str, int | float]:
        """The number of times that it has acted."""
        return {**super().metrics(), self.counter: self.memory["times"]}

    def load_memory(self, memory: dict[str, Any]) -> None:
        # The numbers alone: two optimisers must not count in one dict.
        self.memory.update(step=int(memory["step"]), times=int(memory["times"]))


def idle(method: PlasticOptimizer, every: int, updates: int | None) -> Iterator[str]:
    """The sentence about an interval in which a method never acts, if it is one.

    Args:
        method: that acts at the interval.
        every: updates between two actions; 0 for no interval.
        updates: how many steps it will see; None where nobody knows.
    """
    if not every:
        yield f"every is 0: {type(method).__name__} never acts."
    elif updates is not None and every > updates:
        yield f"The run has {updates:,} updates and every is {every:,}: {type(method).__name__} never acts."
