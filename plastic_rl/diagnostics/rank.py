"""How many dimensions a set of features uses, by the definitions that go by the name of rank.

A feature matrix has one row per sample and one column per unit; σ are its singular values, the largest first.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

Features = Float[Tensor, "samples units"]
Scalar = Float[Tensor, ""]


def singular_values(features: Features) -> Float[Tensor, " values"]:
    """The singular values of a feature matrix, the largest first (computed from the smaller Gram matrix)."""
    samples, units = features.shape
    gram = features.T @ features if units <= samples else features @ features.T
    return torch.linalg.eigvalsh(gram.double()).clamp(min=0).sqrt().flip(0).to(features.dtype)


def effective_rank(values: Float[Tensor, " values"]) -> Scalar:
    """exp(-Σ p log p) with p = σ / Σσ (Roy & Vetterli, EUSIPCO 2007)."""
    share = values / values.sum().clamp(min=torch.finfo(values.dtype).tiny)
    return torch.special.entr(share).sum().exp()


def srank(values: Float[Tensor, " values"], share: float = 0.99) -> Scalar:
    """The smallest k whose first k singular values add up to a share of all (Kumar et al., ICLR 2021).

    What Dohare et al. (2024) call "stable rank"; the stable rank of the literature is :func:`stable_rank`.
    """
    return _smallest_share(values, share)


def pca_rank(values: Float[Tensor, " values"], share: float = 0.99) -> Scalar:
    """The smallest k whose first k *squared* singular values add up to a share of all (Yang et al., 2020)."""
    return _smallest_share(values.square(), share)


def stable_rank(values: Float[Tensor, " values"]) -> Scalar:
    """‖A‖_F² / ‖A‖_2² = Σσ² / σ_1² (Rudelson & Vershynin, 2007); 0 for features that are all zero."""
    return values.square().sum() / values[0].square().clamp(min=torch.finfo(values.dtype).tiny)


def _smallest_share(weights: Float[Tensor, " values"], share: float) -> Scalar:
    total = weights.cumsum(0)
    return ((total < share * total[-1]).sum() + (total[-1] > 0)).to(weights.dtype)
