"""Which hidden units still do something, on a batch of samples."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

# Sokar et al. (2023) count a unit as dormant below this share of its layer's mean activity.
DORMANT_BELOW = 0.025


def dormancy_score(features: Float[Tensor, "samples units"]) -> Float[Tensor, " units"]:
    """E|h_i| / mean_k E|h_k|: a unit's activity relative to its layer's mean (Sokar et al., ICML 2023, Eq. 1)."""
    activity = features.abs().mean(0)
    return activity / activity.mean().clamp(min=torch.finfo(features.dtype).tiny)


def dormant(features: Float[Tensor, "samples units"], threshold: float = DORMANT_BELOW) -> Bool[Tensor, " units"]:
    """Units whose dormancy score is at most ``threshold``."""
    return dormancy_score(features) <= threshold


def dead(features: Float[Tensor, "samples units"], active_share: float = 0.01) -> Bool[Tensor, " units"]:
    """Units that are above zero on at most a share of the samples (Dohare et al. 2024 use 1 %); meant for ReLU.

    A tanh unit at -1 is dead by it, and one at +1 is not; a leaky unit below zero is, and learns. For them there is
    :func:`plastic_rl.diagnostics.flatness`, which goes by the slope of whatever the activation is.
    """
    return (features > 0).to(features.dtype).mean(0) <= active_share
