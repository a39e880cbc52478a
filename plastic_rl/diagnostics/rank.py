"""The number of dimensions that a set of features uses, by the definitions that go by the name of rank.

A feature matrix has one row per sample and one column per unit; σ are its singular values, the largest first. All ranks
here are numbers of dimensions; the metrics `rank/…` are shares of a layer's width (`plastic_rl.diagnostics.report`).
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.precision import at_least_single, power_of_two

Features = Float[Tensor, "samples units"]
Scalar = Float[Tensor, ""]


def singular_values(features: Features) -> Float[Tensor, " values"]:
    """The singular values of a feature matrix, the largest first (computed from the smaller Gram matrix).

    All are NaN, and so is every rank, where features are not finite: a measure does not stop the run that it measures.
    """
    samples, units = features.shape
    features = at_least_single(features)
    magnitude = features.abs().amax()
    if not bool(magnitude.isfinite()):
        return features.new_full((min(samples, units),), math.nan)
    scale = power_of_two(magnitude)
    scaled = features / scale  # squares neither overflow nor vanish
    gram = scaled.T @ scaled if units <= samples else scaled @ scaled.T
    return torch.linalg.eigvalsh(gram.double()).clamp(min=0).sqrt().flip(0).to(features.dtype) * scale


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
    return _smallest_share(_scaled(values).square(), share)


def stable_rank(values: Float[Tensor, " values"]) -> Scalar:
    """‖A‖_F² / ‖A‖_2² = Σσ² / σ_1² (Rudelson & Vershynin, 2007); 0 for features that are all zero."""
    squares = _scaled(values).square()
    return squares.sum() / squares[0].clamp(min=torch.finfo(values.dtype).tiny)


def numerical_rank(matrix: Float[Tensor, "rows columns"]) -> Scalar:
    """The number of singular values above max(rows, columns) · ε · σ_1, ε that of the numbers (torch's `matrix_rank`).

    From the smaller Gram matrix in double precision, which resolves σ to 1e-8 of the largest, so that the share of σ_1
    is 1e-7 at least; NaN where an entry is not finite.
    """
    matrix = at_least_single(matrix)
    magnitude = matrix.abs().amax()
    if not bool(magnitude.isfinite()):
        return matrix.new_full((), math.nan)
    scaled = (matrix / power_of_two(magnitude)).double()
    rows, columns = matrix.shape
    values = torch.linalg.eigvalsh(scaled.T @ scaled if columns <= rows else scaled @ scaled.T).clamp(min=0).sqrt()
    bound = max(max(rows, columns) * torch.finfo(matrix.dtype).eps, 1e-7) * values[-1]
    return (values > bound.clamp(min=torch.finfo(matrix.dtype).tiny)).sum().to(matrix.dtype)


def _scaled(values: Float[Tensor, " values"]) -> Float[Tensor, " values"]:
    """The values over a power of two near the largest, so that squares neither overflow nor vanish."""
    return values / power_of_two(values[0])


def _smallest_share(weights: Float[Tensor, " values"], share: float) -> Scalar:
    total = weights.cumsum(0)
    count = ((total < share * total[-1]).sum() + (total[-1] > 0)).to(weights.dtype)
    return torch.where(total[-1].isnan(), total[-1], count)
