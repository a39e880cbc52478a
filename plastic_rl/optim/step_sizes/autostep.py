"""Autostep: IDBD whose meta step is normalised for each weight, and whose steps do not overshoot.

Mahmood, Sutton, Degris, Pilarski, "Tuning-free step-size adaptation", ICASSP 2012, Table 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from plastic_rl.optim.step_sizes.meta_step import steps
from plastic_rl.optim.step_sizes.optimizer import SlopeOptimizer
from plastic_rl.optim.step_sizes.rule import Rule, RuleMemory
from plastic_rl.optim.step_sizes.slopes import lifted, times, unit_sums
from plastic_rl.validation import at_least, non_negative


def update_scale(scale: Tensor, meta: Tensor, rate: Tensor, slope: Tensor, horizon: float) -> Tensor:
    """The scale of a meta step: v ← max(|δ x h|, v + α x² (|δ x h| - v) / τ), in place.

    Args:
        scale: v.
        meta: δ x h.
        rate: α.
        slope: x.
        horizon: τ.
    """
    size = meta.abs()
    scale.add_((size - scale) * rate * slope.square() / horizon)
    return torch.maximum(scale, size, out=scale)


def overshoot(rates: list[Tensor], slopes: list[Tensor], units: int) -> Tensor:
    """M = max(Σ α x², 1), of each unit."""
    return unit_sums([rate * slope.square() for rate, slope in zip(rates, slopes, strict=True)], units).clamp_min(1)


@dataclass(frozen=True)
class AutostepRule(Rule):
    """Autostep.

    Args:
        meta_step: μ.
        horizon: τ.
        keeps_bound: divide the step sizes by M for good, as published; else for the step at hand alone.
    """

    per_weight: ClassVar[tuple[str, ...]] = ("log_gain", "gain_trace", "meta_scale")

    meta_step: float = 0.01
    horizon: float = 1e4
    keeps_bound: bool = False

    def changes(self, memory: RuleMemory, slopes: list[Tensor], errors: Tensor, rates: list[float]) -> list[Tensor]:
        gains, trace = memory.weights["log_gain"], memory.weights["gain_trace"]
        signals = times(slopes, errors)
        self._raise(memory, signals, slopes, rates)
        now = steps(gains, rates)
        excess = overshoot(now, slopes, errors.ndim)
        if self.keeps_bound:
            for gain in gains:
                gain.sub_(lifted(excess.log(), gain))
        now = times(now, 1 / excess)
        moves = list(torch._foreach_mul(now, signals))  # pyright: ignore[reportPrivateImportUsage]
        for each, rate, slope, move in zip(trace, now, slopes, moves, strict=True):
            each.mul_(1 - rate * slope.square()).add_(move)
        return moves

    def _raise(self, memory: RuleMemory, signals: list[Tensor], slopes: list[Tensor], rates: list[float]) -> None:
        """α ← α exp(μ δ x h / v), where v is not 0."""
        gains, trace, scales = (memory.weights[name] for name in self.per_weight)
        before = steps(gains, rates)
        rows = zip(gains, trace, scales, signals, slopes, before, strict=True)
        for gain, each, scale, signal, slope, rate in rows:
            meta = signal * each
            update_scale(scale, meta, rate, slope, self.horizon)
            gain.add_(torch.where(scale > 0, meta / scale, 0), alpha=self.meta_step)


class Autostep(SlopeOptimizer):
    """v ← max(|δxh|, v + αx²(|δxh| - v)/τ), α ← α e^(μ δxh/v), M = max(Σ αx², 1), w ← w + (α/M) δx.

    Mahmood et al. divide α by M for good: a single large input then shortens all steps that follow. By default α is
    divided for the step at hand alone (ours: on the tracking problem it more than halves the error beside that of the
    best possible weights); ``keeps_bound`` is the published rule.

    Args:
        params: of a prediction, see :class:`SlopeOptimizer`.
        lr: the step size of each weight to begin with.
        meta_step: μ.
        horizon: τ.
        keeps_bound: take the published rule.

    Raises:
        ValueError: for a setting out of its range.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        *,
        lr: float = 0.05,
        meta_step: float = 0.01,
        horizon: float = 1e4,
        keeps_bound: bool = False,
    ) -> None:
        rule = AutostepRule(non_negative("meta_step", meta_step), at_least("horizon", 1, horizon), keeps_bound)
        super().__init__(params, rule, lr=lr)
