"""Autostep on a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

from agents.step_sizes import StepSizeAgent
from plastic_rl.settings import NonNegative, Range

if TYPE_CHECKING:
    import torch

    from plastic_rl.optim.step_sizes import SlopeOptimizer


@dataclass
class Autostep(StepSizeAgent):
    """A linear model whose step sizes are learned at a normalised pace, and never overshoot (Mahmood et al. 2012)."""

    meta_step: NonNegative = 0.01  # μ
    horizon: Annotated[float, Range(1)] = 1e4  # τ, in examples of a weight that learns at the full rate
    keeps_bound: bool = False  # true for the published rule, which shortens step sizes for good

    def rule(self) -> Callable[[Iterable[torch.Tensor]], SlopeOptimizer]:
        from plastic_rl.optim.step_sizes import Autostep as Rule

        settings = {"meta_step": self.meta_step, "horizon": self.horizon, "keeps_bound": self.keeps_bound}
        return partial(Rule, lr=self.learning_rate, **settings)
