"""The base of methods that draw parameters back to what they were at the beginning, by a term of the loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, Resizing
from plastic_rl.optim.base import PlasticOptimizer, add_gradient
from plastic_rl.optim.stacked.seed_by_seed import SeedBySeed
from plastic_rl.validation import non_negative


class DrawnBack(PlasticOptimizer, ABC):
    """Adds to the loss a term of each parameter and of what is remembered of it from construction.

    Args:
        optimizer: what moves the parameters; those that train when it is wrapped are drawn back, as long as they train.
        layers: not looked at.
        strength: λ.

    Raises:
        ValueError: the strength is negative.
    """

    vectorized = SeedBySeed

    def __init__(self, optimizer: Optimizer, layers: Sequence[HiddenLayer] = (), *, strength: float = 1e-3) -> None:
        super().__init__(optimizer)
        self.strength = non_negative("strength", strength)
        self.drawn_back = self.trained
        self.memory = {"start": [self.remembered(each.detach()) for each in self.drawn_back]}

    follows_resizing = True

    def at_resizing(self, resizing: Resizing) -> None:
        """Remembers newborn units as they are born."""
        pairs = zip(self.drawn_back, self.memory["start"], strict=True)
        self.memory["start"] = [resizing.resized(weight, start, newborn=None) for weight, start in pairs]

    @abstractmethod
    def remembered(self, weight: Tensor) -> Tensor:
        """A tensor of its own with what is to be remembered of a weight."""

    @abstractmethod
    def slope(self, weight: Tensor, start: Tensor) -> Tensor:
        """The gradient of the term, of a weight and of what is remembered of it."""

    def after_zero_grad(self) -> None:
        for weight, start in zip(self.drawn_back, self.memory["start"], strict=True) if self.strength else ():
            if weight.requires_grad:  # an optimiser moves whatever has a gradient
                add_gradient(weight, self.slope(weight, start))

    @torch.no_grad()
    def load_memory(self, memory: dict[str, Any]) -> None:
        for start, saved in zip(self.memory["start"], memory["start"], strict=True):
            start.copy_(saved)
