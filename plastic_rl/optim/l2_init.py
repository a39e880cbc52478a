"""L2 regularisation towards the initial weights: a network that stays near where it could learn.

Kumar, Marklund, Van Roy, "Maintaining plasticity in continual learning via regenerative regularization", CoLLAs 2025
(arXiv 2308.11958), Equation 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer
from plastic_rl.optim.base import PlasticOptimizer, add_gradient
from plastic_rl.optim.stacked.seed_by_seed import SeedBySeed
from plastic_rl.validation import non_negative


def pull(weight: Tensor, start: Tensor, strength: float) -> Tensor:
    """2 λ (θ - θ_0), the gradient of λ ‖θ - θ_0‖²."""
    return (weight - start).mul_(2 * strength)


class L2Init(PlasticOptimizer):
    """Adds λ ‖θ - θ_0‖² to the loss, the squared distance to the weights at construction (Kumar et al. 2025, Eq. 2).

    Args:
        optimizer: what moves the parameters; those that train when it is wrapped are drawn back to what they are then,
            as long as they train.
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
        self.memory = {"start": [each.detach().clone() for each in self.drawn_back]}

    def after_zero_grad(self) -> None:
        for weight, start in zip(self.drawn_back, self.memory["start"], strict=True) if self.strength else ():
            if weight.requires_grad:  # an optimiser moves whatever has a gradient
                add_gradient(weight, pull(weight, start, self.strength))

    @torch.no_grad()
    def load_memory(self, memory: dict[str, Any]) -> None:
        for start, saved in zip(self.memory["start"], memory["start"], strict=True):
            start.copy_(saved)
