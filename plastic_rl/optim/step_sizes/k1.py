"""K1: IDBD's step sizes as the variances of a diagonal Kalman filter, which never overshoots.

Sutton, "Gain adaptation beats least squares?", Yale Workshop on Adaptive and Learning Systems 1992, from memory: the
equations below reproduce the pattern of its results (docs/step_sizes.md).
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
from plastic_rl.optim.step_sizes.slopes import times, unit_sums
from plastic_rl.validation import non_negative


def kalman_gains(variances: list[Tensor], slopes: list[Tensor], units: int, noise: float) -> list[Tensor]:
    """k_i = p_i x_i / (R + Σ_j p_j x_j²); zero where nothing is known to vary.

    Args:
        variances: p.
        slopes: x.
        units: the number of axes of the errors.
        noise: R, the variance of what cannot be predicted, in the units of p x².
    """
    reached = list(torch._foreach_mul(variances, slopes))  # pyright: ignore[reportPrivateImportUsage]
    power = unit_sums([p * x for p, x in zip(reached, slopes, strict=True)], units) + noise
    return times(reached, 1 / power.clamp_min(torch.finfo(power.dtype).tiny))


@dataclass(frozen=True)
class K1Rule(Rule):
    """K1, with the meta step that is divided by the power of the errors, or as published.

    Args:
        meta_step: μ.
        normalized: divide the meta step by the power of the errors.
        noise: R.
    """

    per_weight: ClassVar[tuple[str, ...]] = ("log_gain", "gain_trace")
    per_unit: ClassVar[tuple[str, ...]] = ("error_power", "errors_seen")

    meta_step: float = 0.1
    normalized: bool = True
    noise: float = 1.0

    def changes(self, memory: RuleMemory, slopes: list[Tensor], errors: Tensor, rates: list[float]) -> list[Tensor]:
        gains, trace = memory.weights["log_gain"], memory.weights["gain_trace"]
        meta = MetaStep(self.meta_step, self.normalized, limit=0.1 if self.normalized else 2.0)
        raise_log_gains(gains, meta.changes(times(slopes, errors), trace, errors, memory.units), rates)
        kalman = kalman_gains(steps(gains, rates), slopes, errors.ndim, self.noise)
        moves = times(kalman, errors)
        torch._foreach_add_(trace, moves)  # pyright: ignore[reportPrivateImportUsage]
        for each, gain, slope in zip(trace, kalman, slopes, strict=True):
            each.mul_((1 - gain * slope).clamp_min_(0))
        return moves


class K1(SlopeOptimizer):
    """β ← β + μ δ x h, p = e^β, k = p x / (R + Σ p x²), w ← w + k δ, h ← (h + k δ) [1 - k x]⁺ (Sutton 1992).

    After a step the same example has the error δ R / (R + Σ p x²): never of other sign, never larger. With
    ``normalized``, N-K1 (ours), the meta step is divided by the running mean of δ² and limited to 0.1: it then has no
    dimension, and 0.1 needs no tuning.

    Args:
        params: of a prediction, see :class:`SlopeOptimizer`.
        lr: p of each weight to begin with.
        meta_step: μ; without ``normalized`` of the dimension of 1 / δ².
        normalized: take N-K1.
        noise: R.

    Raises:
        ValueError: for a setting out of its range.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        *,
        lr: float = 0.05,
        meta_step: float = 0.1,
        normalized: bool = True,
        noise: float = 1.0,
    ) -> None:
        rule = K1Rule(non_negative("meta_step", meta_step), normalized, non_negative("noise", noise))
        super().__init__(params, rule, lr=lr)
