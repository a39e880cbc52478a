"""Adam on a stream."""

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
class Adam(BackpropAgent):
    """Backpropagation with Adam, which loses plasticity faster than SGD (Dohare et al. 2024, Extended Data Fig. 4)."""

    label: ClassVar[str] = "Adam"

    learning_rate: Positive = 1e-3
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    epsilon: Positive = 1e-8
    weight_decay: NonNegative = 0.0

    def optimizer(self) -> Callable[[Iterable[torch.Tensor]], torch.optim.Optimizer]:
        import torch

        settings = {"betas": (self.beta1, self.beta2), "eps": self.epsilon, "weight_decay": self.weight_decay}
        return partial(torch.optim.Adam, lr=self.learning_rate, **settings)
