"""How useful a hidden unit is: what it contributes to its readers, and how easily it adapts.

Notation: h is a unit's activation, f its running mean, w_out its outgoing and w_in its incoming weights. Sums over
weights are the paper's; the authors' code takes means, which ranks the units of a layer with one reader alike.
"""

from __future__ import annotations

from enum import StrEnum

import torch
from jaxtyping import Float, Int
from torch import Tensor

# A processor takes the absolute values of this many weights without leaving its cache (1.7 times as fast at 2000×2000).
SLAB = 2**19


class Utility(StrEnum):
    """Which quantity ranks the units of a layer; the lowest are replaced."""

    contribution = "contribution"  # |h| Σ|w_out|                    Dohare et al. 2024, Eq. 1
    mean_corrected = "mean_corrected"  # |h - f| Σ|w_out|            Dohare et al. 2021
    adaptable_contribution = "adaptable_contribution"  # |h - f| Σ|w_out| / Σ|w_in|   the same, their supervised runs
    weight = "weight"  # Σ|w_out|
    adaptation = "adaptation"  # 1 / Σ|w_in|
    random = "random"  # the control

    @property
    def is_centred(self) -> bool:
        """Whether activations are taken relative to their running mean."""
        return self in (Utility.mean_corrected, Utility.adaptable_contribution)

    @property
    def is_active(self) -> bool:
        """Whether activations enter at all."""
        return self is Utility.contribution or self.is_centred

    @property
    def is_adaptive(self) -> bool:
        """Whether incoming weights enter."""
        return self in (Utility.adaptable_contribution, Utility.adaptation)


class Mode(StrEnum):
    """When the running average is taken, and of what."""

    exact = "exact"  # of the whole product, every step: Eq. 1
    lazy = "lazy"  # of the activation alone; weights are read when a unit falls due
    instant = "instant"  # none: the minibatch at which a unit falls due decides (the paper's cheaper variant)


def outgoing_magnitude(weight: Float[Tensor, "outputs columns *taps"]) -> Float[Tensor, " columns"]:
    """Σ_k |w_k| for each column of a reader's weight."""
    axes = [axis for axis in range(weight.ndim) if axis != 1]
    if weight.is_cuda or weight.numel() <= SLAB:
        return weight.abs().sum(axes)
    slabs = weight.split(max(1, SLAB * len(weight) // weight.numel()))
    return torch.stack([slab.abs().sum(axes) for slab in slabs]).sum(0)


def incoming_magnitude(weight: Float[Tensor, "units *inputs"]) -> Float[Tensor, " units"]:
    """Σ_j |w_j| for each row of a producer's weight."""
    return weight.abs().flatten(1).sum(1)


def bias_corrected(average: Float[Tensor, " n"], age: Float[Tensor, " n"], decay: float) -> Float[Tensor, " n"]:
    """A running average that started at zero, divided by the weight 1 - η^age that it has gathered (0 at age 0)."""
    return average / (1 - decay**age).clamp(min=torch.finfo(average.dtype).tiny)


def least_useful(
    utility: Float[Tensor, " units"], age: Float[Tensor, " units"], maturity: int, count: int
) -> Int[Tensor, " count"]:
    """The ``count`` units of lowest utility among those strictly older than ``maturity`` updates.

    The caller knows that there are as many (`Budget.due`): nothing here asks the device.
    """
    return utility.masked_fill(age <= maturity, torch.inf).topk(count, largest=False).indices
