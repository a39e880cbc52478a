"""Kernels of a batch of samples, and the random features that approximate one of them.

All are computed in single precision at least, half-precision samples and `torch.autocast` notwithstanding. Samples that
are no finite numbers are refused, and so are whole numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.precision import check_magnitude, downscaled, in_full_precision

Samples = Float[Tensor, "samples features"]
Kernel = Float[Tensor, "samples samples"]

RESOLUTION = 1e-4
"""The error of a Gaussian kernel's exponent that does not matter."""

LARGEST = 1e150
"""The bound of samples whose squared distances can be written down."""


@in_full_precision
def squared_distances(x: Samples, tolerance: float = 0.0) -> Kernel:
    """‖x_i - x_j‖² for all pairs, never negative.

    One matrix product, ‖x_i‖² + ‖x_j‖² - 2 x_iᵀx_j of centred samples, is some twenty times as fast as differences, but
    its rounding is that of the largest ‖x_i‖², which one odd sample can make larger than all other distances. So the
    product is taken where its rounding is within the tolerance: in the precision of the samples, or else in double
    precision. Where it is in neither, distances come from differences.

    Args:
        x: the samples.
        tolerance: the absolute error that does not matter; 0 always takes differences.

    Raises:
        ValueError: the samples are not finite.
    """
    for precision in dict.fromkeys((x.dtype, torch.float64)) if tolerance else ():
        samples = x.to(precision)
        centred = samples - samples.mean(0)  # distances do not see the mean, rounding errors do
        lengths = centred.square().sum(1)
        rounding = 8 * torch.finfo(precision).eps * lengths.detach().max()
        if bool(rounding <= tolerance):
            return within(lengths[:, None] + lengths - 2 * centred @ centred.T, low=0.0).to(x.dtype)
    check_magnitude("samples", x, below=LARGEST)
    wide = x.double()
    return torch.cdist(wide, wide, compute_mode="donot_use_mm_for_euclid_dist").square().to(x.dtype)


def within(products: Kernel, low: float, high: float = math.inf) -> Kernel:
    """The products, put between their bounds in place where rounding has taken them out; gradients stay as they are."""
    with torch.no_grad():
        products.clamp_(low, high)
    return products


@in_full_precision
def gaussian_kernel(x: Samples, sigma: float | Sequence[float] = 5.0) -> Kernel:
    """k(a, b) = exp(-‖a - b‖² / (2 σ² d)), the bandwidth scaled by the number d of features (Ma et al. 2020, code).

    Args:
        x: the samples.
        sigma: σ; several are the mean of their kernels.

    Raises:
        ValueError: for a bandwidth that is not above 0, or none; or for samples that are not finite.
    """
    bandwidths = [sigma] if isinstance(sigma, float | int) else list(sigma)
    if not bandwidths or min(bandwidths) <= 0:
        raise ValueError(f"sigma must be above 0, or several numbers above 0; got {sigma}")
    features = x.shape[1]
    exponent = squared_distances(x, RESOLUTION * 2 * min(bandwidths) ** 2 * features) / (-2 * features)
    return torch.stack([(exponent / width**2).exp() for width in bandwidths]).mean(0)


@in_full_precision
def cosine_kernel(x: Samples) -> Kernel:
    """k(a, b) = aᵀb / (‖a‖ ‖b‖), in [-1, 1]; 0 where a sample is all zero.

    Raises:
        ValueError: the samples are not finite.
    """
    directions = torch.nn.functional.normalize(downscaled("samples", x, 1), dim=1)
    return within(directions @ directions.T, low=-1.0, high=1.0)


def centered(kernel: Kernel) -> Kernel:
    """K̄ = H K H with H = I - 11ᵀ/m: the kernel of features whose mean over the batch is zero."""
    rows = kernel.mean(1, keepdim=True)
    return kernel - rows - kernel.mean(0) + rows.mean()


def draw_frequencies(
    features: int, count: int, sigma: float = 5.0, generator: torch.Generator | None = None
) -> Float[Tensor, "features count"]:
    """ω ~ N(0, I / (σ² d)), the spectrum of :func:`gaussian_kernel` in d dimensions."""
    return torch.randn(features, count, generator=generator) / (sigma * math.sqrt(features))


@in_full_precision
def random_fourier_features(x: Samples, frequencies: Float[Tensor, "features count"]) -> Float[Tensor, "samples maps"]:
    """φ(x) = [cos ωᵀx, sin ωᵀx] / √count, so that φ(a)ᵀφ(b) → k(a, b) (Rahimi & Recht, NeurIPS 2007).

    Raises:
        ValueError: the phases ωᵀx are not finite.
    """
    phase = x @ frequencies
    check_magnitude("phases of the samples", phase)
    return torch.cat([phase.cos(), phase.sin()], 1) / math.sqrt(frequencies.shape[1])
