"""IDBD: a step size for each weight, which grows where changes of the weight keep their direction.

Sutton, "Adapting bias by gradient descent: an incremental version of delta-bar-delta", AAAI 1992, Figure 2.
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


def decay(trace: list[Tensor], rates: list[Tensor], slopes: list[Tensor]) -> None:
    """Lets traces decay: h ← h [1 - α x²]⁺, in place; a step that is too long leaves none, instead of one reversed."""
    for each, rate, slope in zip(trace, rates, slopes, strict=True):
        each.mul_((1 - rate * slope.square()).clamp_min_(0))


def within_bound(rates: list[Tensor], slopes: list[Tensor], units: int, bound: float) -> list[Tensor]:
    """ᾱ = α / max(Σ α x² / η, 1): step sizes by which no output moves by more than the share η of its error.

    Args:
        rates: α.
        slopes: x.
        units: the number of axes of the errors.
        bound: η.
    """
    reach = unit_sums([rate * slope.square() for rate, slope in zip(rates, slopes, strict=True)], units)
    return times(rates, 1 / (reach / bound).clamp_min(1))


@dataclass(frozen=True)
class IDBDRule(Rule):
    """IDBD, or its form for errors of any scale.

    Args:
        meta_step: θ.
        normalized: divide the meta step by the power of the errors, and let no step overshoot.
    """

    per_weight: ClassVar[tuple[str, ...]] = ("log_gain", "gain_trace")
    per_unit: ClassVar[tuple[str, ...]] = ("error_power", "errors_seen")

    meta_step: float
    normalized: bool = False

    def changes(self, memory: RuleMemory, slopes: list[Tensor], errors: Tensor, rates: list[float]) -> list[Tensor]:
        gains, trace = memory.weights["log_gain"], memory.weights["gain_trace"]
        signals = times(slopes, errors)
        meta = MetaStep(self.meta_step, self.normalized, limit=0.1 if self.normalized else 2.0)
        raise_log_gains(gains, meta.changes(signals, trace, errors, memory.units), rates)
        now = steps(gains, rates)
        if self.normalized:
            now = within_bound(now, slopes, errors.ndim, 1.0)
        moves = list(torch._foreach_mul(now, signals))  # pyright: ignore[reportPrivateImportUsage]
        decay(trace, now, slopes)
        torch._foreach_add_(trace, moves)  # pyright: ignore[reportPrivateImportUsage]
        return moves


class IDBD(SlopeOptimizer):
    """β ← β + θ δ x h, α = e^β, w ← w + α δ x, h ← h [1 - α x²]⁺ + α δ x (Sutton 1992).

    For a network x is the slope of its output with each weight: the non-linear extension, in which h knows of no other
    weight and of no curvature. With ``normalized`` the meta step is divided by the running mean of δ², and each step,
    for itself, is made short enough not to overshoot (ours).

    Args:
        params: of a prediction, see :class:`SlopeOptimizer`.
        lr: the step size of each weight to begin with; Sutton's for 20 inputs of variance 1.
        meta_step: θ, of the dimension of 1 / δ²; with ``normalized`` of none: 0.1 there is a good value.
        normalized: take the form for errors of any scale.

    Raises:
        ValueError: for a setting out of its range.
    """

    def __init__(
        self, params: Iterable[Tensor], *, lr: float = 0.05, meta_step: float = 0.01, normalized: bool = False
    ) -> None:
        super().__init__(params, IDBDRule(non_negative("meta_step", meta_step), normalized), lr=lr)
