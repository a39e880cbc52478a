"""Stochastic gradient descent, the backpropagation that loses plasticity in Dohare et al. (2024)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from agents.recipe import BackpropAgent
from plastic_rl.settings import Decay, NonNegative, Positive

if TYPE_CHECKING:
    import torch


@dataclass
class SGD(BackpropAgent):
    """Plain backpropagation by stochastic gradient descent, with momentum where the paper has it."""

    label: ClassVar[str] = "SGD"

    learning_rate: Positive = 0.01
    momentum: Decay = 0.0
    weight_decay: NonNegative = 0.0  # L2: added to the gradient of every parameter

    def optimizer(self) -> Callable[[Iterable[torch.Tensor]], torch.optim.Optimizer]:
        import torch

        settings = {"momentum": self.momentum, "weight_decay": self.weight_decay}
        return partial(torch.optim.SGD, lr=self.learning_rate, **settings)
