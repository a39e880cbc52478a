"""ObGD: eligibility traces with one step size, which is shortened where a step might overshoot.

Elsayed, Vasan, Mahmood, "Streaming deep reinforcement learning finally works", arXiv 2410.14606 (2024), Algorithm 3.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from plastic_rl.optim.step_sizes.optimizer import SlopeOptimizer
from plastic_rl.optim.step_sizes.rule import Rule, RuleMemory
from plastic_rl.optim.step_sizes.slopes import times, unit_sums
from plastic_rl.optim.step_sizes.tidbd import update_eligibility
from plastic_rl.validation import fraction, non_negative


@dataclass(frozen=True)
class ObGDRule(Rule):
    """ObGD.

    Args:
        kept: γ λ.
        caution: κ.
    """

    per_weight: ClassVar[tuple[str, ...]] = ("eligibility",)
    per_episode: ClassVar[tuple[str, ...]] = ("eligibility",)

    kept: float
    caution: float

    def changes(self, memory: RuleMemory, slopes: list[Tensor], errors: Tensor, rates: list[float]) -> list[Tensor]:
        eligibility = memory.weights["eligibility"]
        update_eligibility(eligibility, slopes, self.kept)
        length = unit_sums([each.abs() for each in eligibility], errors.ndim)
        reach = self.caution * errors.abs().clamp_min(1) * length
        moves = times(eligibility, errors)
        bounded = [1 / (reach * rate).clamp_min(1) * rate for rate in rates]
        return [times([move], bound)[0] for move, bound in zip(moves, bounded, strict=True)]


class ObGD(SlopeOptimizer):
    """z ← γλ z + x, w ← w + α δ z / max(1, α κ max(|δ|, 1) ‖z‖₁) (Elsayed et al. 2024).

    Slopes and errors are as in :class:`plastic_rl.optim.step_sizes.IntentionalUpdates`; nothing is learned about the
    step size.

    Args:
        params: of a value or of a policy, see :class:`SlopeOptimizer`.
        lr: α.
        discount: γ.
        trace_decay: λ.
        caution: κ, 2 for values and 3 for policies.

    Raises:
        ValueError: for a setting out of its range.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        *,
        lr: float = 1.0,
        discount: float = 0.99,
        trace_decay: float = 0.8,
        caution: float = 2.0,
    ) -> None:
        kept = fraction("discount", discount) * fraction("trace_decay", trace_decay)
        super().__init__(params, ObGDRule(kept, non_negative("caution", caution)), lr=lr)
