"""K1 on a stream."""

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
class K1(StepSizeAgent):
    """A linear model with a diagonal Kalman gain whose variances are learned, needing no tuning (after Sutton 1992)."""

    meta_step: NonNegative = 0.1  # μ, of no dimension
    normalized: bool = True  # the meta step over the power of the errors: ours; false for K1 as published
    noise: NonNegative = 1.0  # R

    def rule(self) -> Callable[[Iterable[torch.Tensor]], SlopeOptimizer]:
        from plastic_rl.optim.step_sizes import K1 as Rule

        settings = {"meta_step": self.meta_step, "normalized": self.normalized, "noise": self.noise}
        return partial(Rule, lr=self.learning_rate, **settings)
