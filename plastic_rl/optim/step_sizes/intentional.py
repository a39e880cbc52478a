"""Intentional updates: the step by which a prediction moves by the share of its error that one means it to.

Sharifnassab, Elsayed, De Asis, Mahmood, Sutton, ICML 2026 (arXiv 2604.19033); the equations are those of the released
code, which has no licence and of which nothing is copied.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from plastic_rl.optim.step_sizes.optimizer import SlopeOptimizer
from plastic_rl.optim.step_sizes.rule import Rule, RuleMemory
from plastic_rl.optim.step_sizes.slopes import lifted, times, unit_sums
from plastic_rl.optim.step_sizes.tidbd import update_eligibility
from plastic_rl.validation import at_least, fraction

# Added to root mean squares, which are divided by.
EPSILON = 1e-8

# What averages of errors keep from one step to the next (β_clip and β_norm).
ERRORS_KEPT = 0.9998


def average(mean: Tensor, value: Tensor, kept: float, count: Tensor) -> Tensor:
    """An exponential average, brought up to date in place; returned is what it would be had it begun with the first.

    Args:
        mean: that begins at 0.
        value: the next.
        kept: of the average.
        count: of values so far, this one with it.
    """
    mean.mul_(kept).add_(value, alpha=1 - kept)
    return mean / (1 - kept**count)


@dataclass(frozen=True)
class IntentionalRule(Rule):
    """Intentional updates.

    Args:
        kept: γ λ.
        square_kept: β_2, of the average of squared slopes.
        clip: errors are clipped at so many times their root mean square.
        scales_errors: divide errors by the mean of their size, for policies.
    """

    per_weight: ClassVar[tuple[str, ...]] = ("slope_square", "eligibility")
    per_unit: ClassVar[tuple[str, ...]] = ("reach", "error_power", "error_size", "errors_seen")
    per_episode: ClassVar[tuple[str, ...]] = ("eligibility",)

    kept: float
    square_kept: float
    clip: float
    scales_errors: bool

    def changes(self, memory: RuleMemory, slopes: list[Tensor], errors: Tensor, rates: list[float]) -> list[Tensor]:
        squares, eligibility = (memory.weights[name] for name in self.per_weight)
        count = memory.units["errors_seen"].add_(1)
        means = [
            average(square, slope.square(), self.square_kept, lifted(count, slope))
            for square, slope in zip(squares, slopes, strict=True)
        ]
        roots = [mean.sqrt_().add_(EPSILON) for mean in means]
        update_eligibility(eligibility, slopes, self.kept)
        step = self._step(memory, slopes, roots, count)
        signal = step * self._intended(memory, errors, count)
        moves = times(eligibility, signal)
        return [move * rate / root for move, rate, root in zip(moves, rates, roots, strict=True)]

    def _step(self, memory: RuleMemory, slopes: list[Tensor], roots: list[Tensor], count: Tensor) -> Tensor:
        """1 / √(σ Σ z² / v), where σ is the average of Σ x² / v: what a step of 1 moves the prediction by."""
        now, far = (
            unit_sums([each.square() / root for each, root in zip(some, roots, strict=True)], count.ndim)
            for some in (slopes, memory.weights["eligibility"])
        )
        reach = average(memory.units["reach"], now, self.kept, count)
        return 1 / (reach * far).sqrt().clamp_min(EPSILON)

    def _intended(self, memory: RuleMemory, errors: Tensor, count: Tensor) -> Tensor:
        """The errors within bounds; for policies in the units of their mean size."""
        power = average(memory.units["error_power"], errors.square(), ERRORS_KEPT, count)
        cap = self.clip * power.sqrt()
        clipped = torch.minimum(torch.maximum(errors, -cap), cap)
        if not self.scales_errors:
            return clipped
        size = average(memory.units["error_size"], clipped.abs(), ERRORS_KEPT, count)
        return clipped / size.clamp_min(1e-12)


class IntentionalUpdates(SlopeOptimizer):
    """α = η / √(σ Σ z²/v), w ← w + α δ z / v, with v the root mean square of each slope (Sharifnassab et al. 2026).

    One step moves the prediction by about η of its error, whatever the network and however long the traces: η is
    ``lr``, 0.5 for values and 0.05 for policies. Without traces and with one v for all it is NLMS. For a value the
    slopes are its own; for a policy those of the log-probability of the action, and ``scales_errors`` is on. The step
    size is one for all weights, and nothing of it is learned.

    Where the released code begins the mean of squared errors at 1, so that the first errors are not clipped, it begins
    at 0 here, and without dimension.

    Args:
        params: of a value or of a policy, see :class:`SlopeOptimizer`.
        lr: η, the share of an error.
        discount: γ.
        trace_decay: λ.
        square_kept: β_2.
        clip: in root mean squares of the errors.
        scales_errors: divide errors by the mean of their size.

    Raises:
        ValueError: for a setting out of its range.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        *,
        lr: float = 0.5,
        discount: float = 0.99,
        trace_decay: float = 0.8,
        square_kept: float = 0.999,
        clip: float = 20.0,
        scales_errors: bool = False,
    ) -> None:
        kept = fraction("discount", discount) * fraction("trace_decay", trace_decay)
        if kept >= 1:
            raise ValueError(f"discount times trace_decay must be below 1, got {discount} times {trace_decay}")
        rule = IntentionalRule(kept, fraction("square_kept", square_kept), at_least("clip", 1, clip), scales_errors)
        super().__init__(params, rule, lr=lr)
