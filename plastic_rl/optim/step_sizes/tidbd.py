"""TIDBD: IDBD for predictions of what is to come, learned by temporal differences with eligibility traces.

Kearney, Veeriah, Travnik, Sutton, Pilarski, "TIDBD: adapting temporal-difference step-sizes through stochastic
meta-descent", arXiv 1804.03334 (2018), with the semi-gradient.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from plastic_rl.optim.step_sizes.meta_step import MetaStep, raise_log_gains, steps
from plastic_rl.optim.step_sizes.optimizer import SlopeOptimizer
from plastic_rl.optim.step_sizes.rule import Rule, RuleMemory
from plastic_rl.optim.step_sizes.slopes import times
from plastic_rl.validation import fraction, non_negative


def update_eligibility(eligibility: list[Tensor], slopes: list[Tensor], kept: float) -> None:
    """Lets traces decay and take in the slopes: z ← γ λ z + x, in place.

    Args:
        eligibility: z.
        slopes: x.
        kept: γ λ.
    """
    torch._foreach_mul_(eligibility, kept)  # pyright: ignore[reportPrivateImportUsage]
    torch._foreach_add_(eligibility, slopes)  # pyright: ignore[reportPrivateImportUsage]


@dataclass(frozen=True)
class TIDBDRule(Rule):
    """TIDBD.

    Args:
        meta_step: θ.
        kept: γ λ, of the eligibility from one step to the next.
    """

    per_weight: ClassVar[tuple[str, ...]] = ("log_gain", "gain_trace", "eligibility")
    per_episode: ClassVar[tuple[str, ...]] = ("eligibility",)

    meta_step: float
    kept: float

    def changes(self, memory: RuleMemory, slopes: list[Tensor], errors: Tensor, rates: list[float]) -> list[Tensor]:
        gains, trace, eligibility = (memory.weights[name] for name in self.per_weight)
        meta = MetaStep(self.meta_step, is_normalized=False, limit=2.0)
        raise_log_gains(gains, meta.changes(times(slopes, errors), trace, errors, memory.units), rates)
        now = steps(gains, rates)
        update_eligibility(eligibility, slopes, self.kept)
        moves = [rate * each for rate, each in zip(now, times(eligibility, errors), strict=True)]
        for each, rate, slope, eligible, move in zip(trace, now, slopes, eligibility, moves, strict=True):
            each.mul_((1 - rate * slope * eligible).clamp_min_(0)).add_(move)
        return moves


class TIDBD(SlopeOptimizer):
    """β ← β + θ δ x h, α = e^β, z ← γλ z + x, w ← w + α δ z, h ← h [1 - α x z]⁺ + α δ z (Kearney et al. 2018).

    The slopes are those of the prediction at the step that is over, and the error is δ = r + γ v' - v. For control
    they are those of the value of the action that was taken, and v' is the value of the next (Sarsa). An episode ends
    with ``observe(errors, ends_episode=True)``, its last error without v'.

    Args:
        params: of a prediction, see :class:`SlopeOptimizer`.
        lr: the step size of each weight to begin with.
        meta_step: θ, of the dimension of 1 / δ².
        discount: γ.
        trace_decay: λ.

    Raises:
        ValueError: for a setting out of its range.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        *,
        lr: float = 0.01,
        meta_step: float = 0.01,
        discount: float = 0.99,
        trace_decay: float = 0.9,
    ) -> None:
        kept = fraction("discount", discount) * fraction("trace_decay", trace_decay)
        super().__init__(params, TIDBDRule(non_negative("meta_step", meta_step), kept), lr=lr)
