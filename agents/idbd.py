"""IDBD on a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from agents.step_sizes import StepSizeAgent
from plastic_rl.settings import NonNegative

if TYPE_CHECKING:
    import torch

    from plastic_rl.optim.step_sizes import SlopeOptimizer


@dataclass
class IDBD(StepSizeAgent):
    """A linear model whose step sizes follow from how its weights keep their direction (Sutton 1992)."""

    meta_step: NonNegative = 0.01  # θ, in the units of 1 / target²; 0.1 is good where it is normalised
    normalized: bool = False  # over the power of the errors, and without overshoot: ours

    def rule(self) -> Callable[[Iterable[torch.Tensor]], SlopeOptimizer]:
        from plastic_rl.optim.step_sizes import IDBD as Rule

        return partial(Rule, lr=self.learning_rate, meta_step=self.meta_step, normalized=self.normalized)
