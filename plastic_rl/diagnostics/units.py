"""The doings of hidden units on a batch of samples: each word by the definition that fits the kind of activation."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from plastic_rl.diagnostics.kinds import Kind

# Sokar et al. (2023) count a unit as dormant below this share of its layer's mean activity.
DORMANT_BELOW = 0.025

# Dohare et al. (2024) let a dead unit be active on this share of the samples.
ACTIVE_SHARE = 0.01

# A unit with a smaller standard deviation is constant: for tanh and the sigmoid as it is, else beside its layer's size.
CONSTANT_BELOW = 0.001

SILENT_BELOW = 0.02  # the magnitude of what a smooth rectifier says far below zero

SATURATED_BEYOND = 0.99  # of the way from the middle of a bounded activation to its end: |tanh| > 0.99

# A unit is linearised if it stays on one straight piece of its activation on this share of the samples.
LINEAR_SHARE = 0.9
STRAIGHT_WITHIN = 0.3  # |tanh| below it: the slope is at least 0.91 of the steepest

DUPLICATE_ABOVE = 0.99  # the cosine of two units' activations

Features = Float[Tensor, "samples units"]
Units = Bool[Tensor, " units"]


def dormancy_score(features: Features) -> Float[Tensor, " units"]:
    """E|h_i| / mean_k E|h_k|: a unit's activity relative to its layer's mean (Sokar et al., ICML 2023, Eq. 1)."""
    activity = features.abs().mean(0)
    return activity / activity.mean().clamp(min=torch.finfo(features.dtype).tiny)


def dormant(features: Features, threshold: float = DORMANT_BELOW) -> Units:
    """Units whose dormancy score is at most ``threshold``."""
    return dormancy_score(features) <= threshold


def rarely_active(features: Features, active_share: float = ACTIVE_SHARE) -> Units:
    """Units that are above zero on at most a share of the samples, whatever their activation is.

    A ReLU unit of this kind is dead; a leaky one below zero is linear, and learns.
    """
    return _share(features > 0, features) <= active_share


def dead(features: Features, kind: Kind = Kind.rectifier, active_share: float = ACTIVE_SHARE) -> Units:
    """Units that say nothing of what they take in, by the definition for their kind of activation.

    ReLU: above zero on at most 1 % of the samples (Dohare et al. 2024). Smooth rectifiers: more than 0.02 in magnitude
    on at most 1 %. Tanh and the sigmoid: a standard deviation of at most 0.001. Leaky rectifiers, which pass a gradient
    on either side, and no activation: one of at most 0.001 of the layer's mean magnitude. Other activations: other than
    exactly 0 on at most 1 %.

    Args:
        features: the activations, as a reader takes them in.
        kind: of the activation.
        active_share: 1 %.
    """
    if kind is Kind.rectifier:
        return rarely_active(features, active_share)
    if kind in (Kind.tanh, Kind.sigmoid):
        return features.std(0, correction=0) <= CONSTANT_BELOW
    if kind in (Kind.leaky, Kind.linear):
        return features.std(0, correction=0) <= CONSTANT_BELOW * features.abs().mean()
    loud = features.abs() > (SILENT_BELOW if kind is Kind.smooth else 0)
    return _share(loud, features) <= active_share


def saturated(features: Features, kind: Kind) -> Units | None:
    """Units within 1 % of the end of their activation's range on at least 99 % of the samples: tanh and the sigmoid.

    Other kinds have no end, or one that counts as dead; of an unknown kind nobody knows, and there is no answer.
    """
    if kind is Kind.unknown:
        return None
    if kind not in (Kind.tanh, Kind.sigmoid):
        return torch.zeros(features.shape[1], dtype=torch.bool, device=features.device)
    return _share(_centred(features, kind).abs() > SATURATED_BEYOND, features) >= 1 - ACTIVE_SHARE


def linearised(features: Features, kind: Kind) -> Units | None:
    """Units that stay on one straight piece of their activation on at least 90 % of the samples.

    ReLU: above zero (dead ones do not count). Leaky rectifiers: on one side. Tanh and the sigmoid: near the middle,
    where the slope is at least 0.91 of the steepest. For smooth and unknown kinds there is no answer.
    """
    if kind in (Kind.smooth, Kind.unknown):
        return None
    above = features > 0
    if kind is Kind.rectifier:
        return _share(above, features) >= LINEAR_SHARE
    if kind is Kind.leaky:
        share = _share(above, features)
        return (share >= LINEAR_SHARE) | (share <= 1 - LINEAR_SHARE)
    if kind is Kind.linear:
        return torch.ones(features.shape[1], dtype=torch.bool, device=features.device)
    return _share(_centred(features, kind).abs() <= STRAIGHT_WITHIN, features) >= LINEAR_SHARE


def duplicate(features: Features, above: float = DUPLICATE_ABOVE) -> Units:
    """Units whose activations point the way of those of an earlier unit: their cosine is at least ``above``.

    So many units could be left out, or merged. Units that are 0 throughout are no duplicates.
    """
    norms = torch.linalg.vector_norm(features, dim=0)
    directions = features / norms.clamp(min=torch.finfo(features.dtype).tiny)
    alike = (directions.T @ directions) >= above
    return torch.tril(alike, diagonal=-1).any(1)


def _share(marks: Bool[Tensor, "samples units"], features: Features) -> Float[Tensor, " units"]:
    return marks.to(features.dtype).mean(0)


def _centred(features: Features, kind: Kind) -> Features:
    """The outputs of tanh, and those of the sigmoid on the same scale."""
    return features if kind is Kind.tanh else 2 * features - 1
