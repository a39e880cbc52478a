"""The ridge readout: how much of the targets a linear readout of a layer explains, and the readout itself.

It is HSIC with linear kernels of which only the features' side is whitened: no bandwidth, no m × m matrix, and targets
may be continuous.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

Features = Float[Tensor, "samples features"]
Targets = Float[Tensor, "samples targets"]
Weights = Float[Tensor, "features targets"]


def ridge_weights(
    covariance: Float[Tensor, "features features"], cross: Weights, ridge: float | Float[Tensor, ""]
) -> Weights:
    """B = (Σ + λ I)⁻¹ C, the weights of least squared error plus λ ‖B‖²; one Cholesky."""
    system = covariance.clone()
    system.diagonal().add_(ridge)
    return torch.cholesky_solve(cross, torch.linalg.cholesky(system))


def ridge_score(features: Features, targets: Targets, ridge: float = 0.1) -> Float[Tensor, ""]:
    """The share of the targets' variance that the best ridge readout explains, in [0, 1].

    EV = tr(Ȳᵀ Z̄ (Z̄ᵀ Z̄ + λ m I)⁻¹ Z̄ᵀ Ȳ) / ‖Ȳ‖² = 1 - min_B (‖Ȳ - Z̄ B‖² + λ m ‖B‖²) / ‖Ȳ‖². The second form is the
    one computed: at the minimum the gradient does not see B, so that nothing is differentiated but a squared error. The
    system solved is of the smaller of the numbers of samples and features.

    Args:
        features: Z.
        targets: Y; constant targets have a score of 0.
        ridge: λ, relative to features of unit variance.
    """
    z, y, penalty = features - features.mean(0), targets - targets.mean(0), ridge * len(features)
    with torch.no_grad():
        weights = _best_weights(z, y, penalty)
    lost = (y - z @ weights).square().sum() + penalty * weights.square().sum()
    variance = y.square().sum()
    return (variance - lost) / variance.clamp(min=torch.finfo(y.dtype).tiny)


def _best_weights(z: Features, y: Targets, penalty: float) -> Weights:
    """The ridge weights of centred data: (ZᵀZ + cI)⁻¹ Zᵀ Y = Zᵀ (ZZᵀ + cI)⁻¹ Y."""
    if len(z) < z.shape[1]:
        return z.T @ ridge_weights(z @ z.T, y, penalty)
    return ridge_weights(z.T @ z, z.T @ y, penalty)
