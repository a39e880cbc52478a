"""SwiftTD: true online TD(λ) with a step size for each weight, a bound on how much is learned at once, and decay.

Javed, Sharifnassab, Sutton, "SwiftTD: a fast and robust algorithm for temporal difference learning", RLC 2024, in the
form for dense features of its released code, as corrected in 2026 (a step size is held above its least value; before,
it was compared with that value's logarithm, and never was).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from plastic_rl.optim.step_sizes.meta_step import steps
from plastic_rl.optim.step_sizes.optimizer import SlopeOptimizer
from plastic_rl.optim.step_sizes.rule import Rule, RuleMemory
from plastic_rl.optim.step_sizes.slopes import lifted, times, unit_sums
from plastic_rl.validation import fraction, non_negative


def products(one: list[Tensor], other: list[Tensor]) -> list[Tensor]:
    """The products of tensors, weight by weight."""
    return list(torch._foreach_mul(one, other))  # pyright: ignore[reportPrivateImportUsage]


@dataclass(frozen=True)
class SwiftTDRule(Rule):
    """SwiftTD.

    Args:
        meta_step: θ.
        kept: γ λ.
        bound: η, of the share of an error that is learned at once, and of a step size.
        least: no step size falls below it.
        decay: by which step sizes shrink where the bound is met.
    """

    per_weight: ClassVar[tuple[str, ...]] = (
        *("log_gain", "eligibility", "gain_eligibility", "trace_eligibility"),
        *("recent_step", "gain_trace", "older_gain_trace", "next_gain_trace"),
    )
    per_unit: ClassVar[tuple[str, ...]] = ("recent_change",)
    per_episode: ClassVar[tuple[str, ...]] = (
        *("eligibility", "gain_eligibility", "trace_eligibility", "recent_step", "recent_change"),
    )

    meta_step: float
    kept: float
    bound: float
    least: float
    decay: float

    def changes(self, memory: RuleMemory, slopes: list[Tensor], errors: Tensor, rates: list[float]) -> list[Tensor]:
        moves = self._learn(memory, errors, rates)
        self._look_ahead(memory, slopes, moves, rates)
        return moves

    def _learn(self, memory: RuleMemory, errors: Tensor, rates: list[float]) -> list[Tensor]:
        """Learns of the features so far from the error: Δ = δ z - z^δ v^δ, and the same for step sizes and traces."""
        z, recent, change = memory.weights["eligibility"], memory.weights["recent_step"], memory.units["recent_change"]
        moves = [a - b for a, b in zip(times(z, errors), times(recent, change), strict=True)]
        self._raise(memory, errors - change, rates)
        bars = times(memory.weights["trace_eligibility"], errors)
        older, trace, following = (
            memory.weights[name] for name in ("older_gain_trace", "gain_trace", "next_gain_trace")
        )
        for old, h, after, bar, step in zip(older, trace, following, bars, times(recent, change), strict=True):
            old.copy_(h)
            h.copy_(after + bar - step)
        for name in ("eligibility", "gain_eligibility", "trace_eligibility"):
            torch._foreach_mul_(memory.weights[name], self.kept)  # pyright: ignore[reportPrivateImportUsage]
        return moves

    def _raise(self, memory: RuleMemory, surprise: Tensor, rates: list[float]) -> None:
        """β ← β + θ / e^β (δ - v^δ) p, with e^β from the least step size to the bound."""
        gains = memory.weights["log_gain"]
        meta = times(memory.weights["gain_eligibility"], surprise)
        for gain, each, now, rate in zip(gains, meta, steps(gains, rates), rates, strict=True):
            gain.add_(each / now, alpha=self.meta_step)
            if rate > 0:
                gain.clamp_(math.log(self.least / rate), math.log(self.bound / rate))

    def _look_ahead(self, memory: RuleMemory, slopes: list[Tensor], moves: list[Tensor], rates: list[float]) -> None:
        """Takes in the features of the next prediction."""
        of, units = memory.weights, memory.units["recent_change"].ndim
        memory.units["recent_change"].copy_(unit_sums(products(moves, slopes), units))
        now = steps(of["log_gain"], rates)
        powers = [each.square() for each in slopes]
        reach = unit_sums(products(now, powers), units)
        known = unit_sums(products(of["eligibility"], slopes), units)
        shares = times(products(now, slopes), 1 / (reach / self.bound).clamp_min(1))
        for step, share in zip(of["recent_step"], shares, strict=True):
            step.copy_(share)
        self._extend_traces(of, slopes, known)
        self._shorten(of, powers, (reach > self.bound).to(reach))

    def _extend_traces(self, of: dict[str, list[Tensor]], slopes: list[Tensor], known: Tensor) -> None:
        """Z ← z + z^δ (1 - b), p ← p + h_old x, z̄ ← z̄ + z^δ (1 - b - z̄ x), and the h that the next error begins at."""
        rows = zip(*(of[name] for name in self.per_weight[1:]), slopes, strict=True)
        for z, p, bar, step, h, old, after, slope in rows:
            new = 1 - lifted(known, slope)
            z.add_(step * new)
            p.add_(old * slope)
            bar.add_(step * (new - bar * slope))
            after.copy_(h - old * slope * (z - step) - h * step * slope)

    def _shorten(self, of: dict[str, list[Tensor]], powers: list[Tensor], is_too_much: Tensor) -> None:
        """Shortens step sizes by the decay where the bound was met, and begins traces of them anew."""
        for name in ("gain_trace", "older_gain_trace", "next_gain_trace", "trace_eligibility"):
            for each in of[name]:
                each.mul_(1 - lifted(is_too_much, each))
        for gain, power in zip(of["log_gain"], powers, strict=True):
            gain.add_(power * lifted(is_too_much, power), alpha=math.log(self.decay))


class SwiftTD(SlopeOptimizer):
    """True online TD(λ) whose step sizes are learned, and of which no step learns more than η of an error (Javed 2024).

    For linear predictions of features x. The slopes are those of the *newest* prediction v', and the error is that of
    the one before it, δ = r + γ v' - v, both by the weights before the step::

        weight, before = torch.nn.Parameter(torch.zeros(3)), torch.tensor(0.0)
        optimizer = SwiftTD([weight], discount=0.99)
        for step in range(10):
            features, reward = torch.eye(3)[step % 3], 1.0
            value = features @ weight                                # of this step
            optimizer.zero_grad()
            value.backward()
            error = reward + 0.99 * value.detach() - before          # of the step before; at the first there is none
            optimizer.observe(error if step else 0.0)
            optimizer.step()
            before = value.detach()

    For control they are those of the value of the next action (Swift-Sarsa). An episode ends with a step of its own,
    with features of 0, so that v' is 0, and ``observe(errors, ends_episode=True)``; `before` then begins at 0 again.

    Args:
        params: of a prediction, see :class:`SlopeOptimizer`.
        lr: the step size of each weight to begin with.
        meta_step: θ.
        discount: γ.
        trace_decay: λ.
        bound: η.
        least: η_min.
        decay: of step sizes where the bound is met.

    Raises:
        ValueError: for a setting out of its range.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        *,
        lr: float = 1e-2,
        meta_step: float = 1e-3,
        discount: float = 0.99,
        trace_decay: float = 0.95,
        bound: float = 0.1,
        least: float = 1e-10,
        decay: float = 0.999,
    ) -> None:
        if not 0 < least <= bound or not 0 < decay <= 1:
            raise ValueError(f"0 < least <= bound and 0 < decay <= 1, got least={least}, bound={bound}, decay={decay}")
        kept = fraction("discount", discount) * fraction("trace_decay", trace_decay)
        super().__init__(params, SwiftTDRule(non_negative("meta_step", meta_step), kept, bound, least, decay), lr=lr)
