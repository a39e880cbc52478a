"""The ridge readout: how much of the targets a linear readout of a layer explains, and the readout itself.

It is HSIC with linear kernels of which only the features' side is whitened: no bandwidth, no m × m matrix, and targets
may be continuous.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.nn.factorization import shifted_solution
from plastic_rl.precision import check_magnitude, in_full_precision, largest_square_root

Features = Float[Tensor, "samples features"]
Targets = Float[Tensor, "samples targets"]
Weights = Float[Tensor, "features targets"]


@in_full_precision
def ridge_weights(
    covariance: Float[Tensor, "features features"], cross: Weights, ridge: float | Float[Tensor, ""]
) -> Weights:
    """B = (Σ + λ I)⁻¹ C, the weights of least squared error plus λ ‖B‖²; one Cholesky.

    Where λ is below the rounding of Σ, it grows (:func:`plastic_rl.nn.factorization.shifted_factor`).
    """
    return shifted_solution(covariance, cross, ridge)


@in_full_precision
def ridge_score(features: Features, targets: Targets, ridge: float = 0.1) -> Float[Tensor, ""]:
    """The share of the targets' variance that the best ridge readout explains, in [0, 1].

    EV = tr(Ȳᵀ Z̄ (Z̄ᵀ Z̄ + λ m I)⁻¹ Z̄ᵀ Ȳ) / ‖Ȳ‖² = 1 - min_B (‖Ȳ - Z̄ B‖² + λ m ‖B‖²) / ‖Ȳ‖². The second form is the
    one computed: at the minimum the gradient does not see B, so that nothing is differentiated but a squared error. The
    system solved is of the smaller of the numbers of samples and features, in double precision where its rounding would
    not be small beside λ.

    Args:
        features: Z.
        targets: Y; constant targets have a score of 0.
        ridge: λ, relative to features of unit variance.

    Raises:
        ValueError: features or targets are not finite, or their squares are not.
    """
    penalty, precision = ridge * len(features), features.dtype
    if _rounding(features) > 0.1 * penalty:
        check_magnitude("features of a ridge readout", features, below=largest_square_root(torch.float64))
        check_magnitude("targets of a ridge readout", targets, below=largest_square_root(torch.float64))
        features, targets = features.double(), targets.double()
    z, y = features - features.mean(0), targets - targets.mean(0)
    with torch.no_grad():
        weights = _best_weights(z, y, penalty)
    lost = (y - z @ weights).square().sum() + penalty * weights.square().sum()
    variance = y.square().sum()
    score = (variance - lost) / variance.clamp(min=torch.finfo(y.dtype).tiny)
    if not bool(score.isfinite()):
        check_magnitude("targets of a ridge readout", targets, below=largest_square_root(targets.dtype))
    return score.to(precision)


@torch.no_grad()
def _rounding(features: Features) -> float:
    """The rounding of the Gram matrix of centred features; infinite where that is not finite."""
    squares = (features - features.mean(0)).square()
    largest = squares.sum(0 if len(features) >= features.shape[1] else 1).max()
    return 8 * torch.finfo(features.dtype).eps * float(largest.nan_to_num(nan=torch.inf, posinf=torch.inf))


def _best_weights(z: Features, y: Targets, penalty: float) -> Weights:
    """The ridge weights of centred data: (ZᵀZ + cI)⁻¹ Zᵀ Y = Zᵀ (ZZᵀ + cI)⁻¹ Y."""
    if len(z) < z.shape[1]:
        return z.T @ ridge_weights(z @ z.T, y, penalty)
    return ridge_weights(z.T @ z, z.T @ y, penalty)
