"""Kernels of a batch of samples, and the random features that approximate one of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

Samples = Float[Tensor, "samples features"]
Kernel = Float[Tensor, "samples samples"]


def squared_distances(x: Samples) -> Kernel:
    """‖x_i - x_j‖² for all pairs, from centred samples: distances do not see the mean, rounding errors do."""
    x = x - x.mean(0)
    lengths = x.square().sum(1)
    return lengths[:, None] + lengths - 2 * x @ x.T


def gaussian_kernel(x: Samples, sigma: float | Sequence[float] = 5.0) -> Kernel:
    """k(a, b) = exp(-‖a - b‖² / (2 σ² d)), the bandwidth scaled by the number d of features (Ma et al. 2020, code).

    Args:
        x: the samples.
        sigma: σ; several are the mean of their kernels.

    Raises:
        ValueError: for a bandwidth that is not above 0, or none.
    """
    bandwidths = [sigma] if isinstance(sigma, float | int) else list(sigma)
    if not bandwidths or min(bandwidths) <= 0:
        raise ValueError(f"sigma must be above 0, or several numbers above 0; got {sigma}")
    exponent = squared_distances(x) / (-2 * x.shape[1])
    return torch.stack([(exponent / width**2).exp() for width in bandwidths]).mean(0)


def cosine_kernel(x: Samples) -> Kernel:
    """k(a, b) = aᵀb / (‖a‖ ‖b‖); 0 where a sample is all zero."""
    directions = torch.nn.functional.normalize(x, dim=1)
    return directions @ directions.T


def centered(kernel: Kernel) -> Kernel:
    """K̄ = H K H with H = I - 11ᵀ/m: the kernel of features whose mean over the batch is zero."""
    rows = kernel.mean(1, keepdim=True)
    return kernel - rows - kernel.mean(0) + rows.mean()


def draw_frequencies(
    features: int, count: int, sigma: float = 5.0, generator: torch.Generator | None = None
) -> Float[Tensor, "features count"]:
    """ω ~ N(0, I / (σ² d)), the spectrum of :func:`gaussian_kernel` in d dimensions."""
    return torch.randn(features, count, generator=generator) / (sigma * math.sqrt(features))


def random_fourier_features(x: Samples, frequencies: Float[Tensor, "features count"]) -> Float[Tensor, "samples maps"]:
    """φ(x) = [cos ωᵀx, sin ωᵀx] / √count, so that φ(a)ᵀφ(b) → k(a, b) (Rahimi & Recht, NeurIPS 2007)."""
    phase = x @ frequencies
    return torch.cat([phase.cos(), phase.sin()], 1) / math.sqrt(frequencies.shape[1])
