"""The step of a step size: by how much the logarithm of each changes after one example."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.optim.step_sizes.slopes import times

LOWEST = -10.0
"""No logarithm of a step size falls below this (Sutton 1992, "prudent" bounds)."""

HORIZON = 1000
"""As many errors count for their power."""


def update_power(power: Tensor, seen: Tensor, errors: Float[Tensor, " *units"], horizon: int = HORIZON) -> Tensor:
    """P ← P + (δ² - P) / min(t, horizon): the mean of the squared errors at first, a running one later; in place.

    Args:
        power: P.
        seen: t, up to the horizon.
        errors: δ.
        horizon: as many errors count.
    """
    seen.add_(1).clamp_(max=horizon)
    return power.add_((errors.square() - power) / seen)


def raise_log_gains(log_gains: list[Tensor], changes: list[Tensor], rates: list[float]) -> None:
    """β ← max(β + Δβ, -10), where what is kept is β less its first value, the logarithm of the rate; in place."""
    torch._foreach_add_(log_gains, changes)  # pyright: ignore[reportPrivateImportUsage]
    for gain, rate in zip(log_gains, rates, strict=True):
        if rate > 0:
            gain.clamp_(min=LOWEST - math.log(rate))


def steps(log_gains: list[Tensor], rates: list[float]) -> list[Tensor]:
    """α = e^β: the step sizes now."""
    grown = torch._foreach_exp(log_gains)  # pyright: ignore[reportPrivateImportUsage]
    torch._foreach_mul_(grown, list(rates))  # pyright: ignore[reportPrivateImportUsage]
    return list(grown)


@dataclass(frozen=True)
class MetaStep:
    """Δβ = μ δ x h, as published or over the power of the errors, within limits.

    Args:
        size: μ, of the dimension of 1 / δ² unless it is normalised.
        is_normalized: divide by the running mean of δ²: the rule is then the same for targets of any scale.
        limit: |Δβ| at most.
    """

    size: float
    is_normalized: bool
    limit: float

    def changes(
        self,
        signals: list[Tensor],
        traces: list[Tensor],
        errors: Float[Tensor, " *units"],
        units: dict[str, Tensor],
    ) -> list[Tensor]:
        """Δβ of each weight.

        Args:
            signals: δ x.
            traces: h, the change of each weight with its β.
            errors: δ.
            units: holds the errors' power, which is brought up to date.
        """
        grown = list(torch._foreach_mul(signals, traces))  # pyright: ignore[reportPrivateImportUsage]
        torch._foreach_mul_(grown, self.size)  # pyright: ignore[reportPrivateImportUsage]
        if self.is_normalized:
            power = update_power(units["error_power"], units["errors_seen"], errors)
            grown = times(grown, 1 / power.clamp_min(torch.finfo(power.dtype).tiny))
        torch._foreach_clamp_min_(grown, -self.limit)  # pyright: ignore[reportPrivateImportUsage]
        torch._foreach_clamp_max_(grown, self.limit)  # pyright: ignore[reportPrivateImportUsage]
        return grown
