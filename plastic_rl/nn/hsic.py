"""The Hilbert-Schmidt independence criterion, in the forms in which a layer can be trained by it.

Gretton, Bousquet, Smola, Schölkopf, "Measuring statistical dependence with Hilbert-Schmidt norms", ALT 2005; normalised
as in Ma, Lewis, Kleijn, "The HSIC bottleneck: deep learning without back-propagation", AAAI 2020; plausible as in
Pogodin, Latham, "Kernelized information bottleneck leads to biologically plausible 3-factor Hebbian learning",
NeurIPS 2020. Kernels are those of one batch of m samples (:mod:`plastic_rl.nn.kernels`); H = I - 11ᵀ/m centres.

All are computed in single precision at least. One sample depends on nothing: criteria defined for it are 0, and
HSIC itself, which divides by (m - 1)², refuses it.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from plastic_rl.nn.factorization import shifted_inverse
from plastic_rl.nn.kernels import Kernel, centered, random_fourier_features
from plastic_rl.precision import downscaled, in_full_precision, magnitude_of

Scalar = Float[Tensor, ""]


@in_full_precision
def hsic(kernel_x: Kernel, kernel_y: Kernel) -> Scalar:
    """HSIC(X, Y) = tr(K_X H K_Y H) / (m - 1)²; costs O(m²).

    Raises:
        ValueError: for kernels of one sample.
    """
    return (centered(kernel_x) * kernel_y).sum() / pairs(len(kernel_x))


def pairs(samples: int) -> int:
    """(m - 1)², what HSIC is divided by.

    Raises:
        ValueError: for fewer than two samples.
    """
    if samples < 2:
        raise ValueError(f"HSIC compares samples with each other: a batch of two or more is expected, got {samples}")
    return (samples - 1) ** 2


@in_full_precision
def plausible_hsic(kernel_x: Kernel, kernel_y: Kernel) -> Scalar:
    """pHSIC(X, Y): the covariance of the kernels' entries over pairs of samples (Pogodin & Latham 2020).

    HSIC, times ((m - 1) / m)², where the rows of one kernel have one mean: with labels whose batch mean is zero.
    """
    return ((kernel_x - kernel_x.mean()) * kernel_y).mean()


@in_full_precision
def whitened(kernel: Kernel, epsilon: float = 1e-5) -> Kernel:
    """R = K̄ (K̄ + ε m I)⁻¹ = I - ε m (K̄ + ε m I)⁻¹: a soft projector on what the kernel tells apart; one Cholesky.

    Where ε is below the kernel's rounding, so that there is no such factor, ε grows until there is one
    (:func:`plastic_rl.nn.factorization.shifted_factor`).
    """
    identity = torch.eye(len(kernel), dtype=kernel.dtype, device=kernel.device)
    inverse, shift = shifted_inverse(centered(kernel), epsilon * len(kernel))
    return identity - shift * inverse


def normalized_hsic(kernel_x: Kernel, kernel_y: Kernel, epsilon: float = 1e-5) -> Scalar:
    """nHSIC(X, Y) = tr(R_X R_Y), with R of :func:`whitened`: a soft count of canonical correlations.

    At most the smaller of the two ranks: the number of classes less one for class labels. The authors' code centres on
    one side and inverts four times; this is the same number (float64) from two Cholesky factors.
    """
    return (whitened(kernel_x, epsilon) * whitened(kernel_y, epsilon)).sum()


@in_full_precision
def whitened_trace(kernel: Kernel, target: Kernel, epsilon: float = 1e-5) -> Scalar:
    """tr(R_K T) for a target that all layers share; differentiable in the kernel alone, by one Cholesky.

    With A = K̄ + ε m I it is tr(T̄) - ε m tr(A⁻¹ T̄), and its gradient is H (ε m A⁻¹ T̄ A⁻¹) H. In exact arithmetic the H
    change nothing; in single precision they take out what A⁻¹, large there, makes of rounding errors along 1.

    Args:
        kernel: of the layer's features.
        target: T, symmetric; R_X - β R_Y makes this the objective of Ma et al. (2020).
        epsilon: ε.
    """
    value = _WhitenedTrace.apply(kernel, target, epsilon)
    assert isinstance(value, Tensor)
    return value


class _WhitenedTrace(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, kernel: Tensor, target: Tensor, epsilon: float) -> Tensor:
        target = centered(target)
        inverse, shift = shifted_inverse(centered(kernel), epsilon * len(kernel))
        product = shift * (inverse @ target)
        if ctx.needs_input_grad[0]:  # one m × m matrix is kept, instead of the two that it is made of
            ctx.save_for_backward(centered(product @ inverse))
        return target.trace() - product.trace()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *outputs: Tensor) -> tuple[Tensor, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        (gradient,) = ctx.saved_tensors
        return outputs[0] * gradient, None, None


@in_full_precision
def linear_hsic(x: Float[Tensor, "samples dx"], y: Float[Tensor, "samples dy"]) -> Scalar:
    """HSIC with linear kernels, ‖X̄ᵀ Ȳ‖_F² / (m - 1)²: costs O(m d_x d_y), and no m × m matrix is formed.

    Raises:
        ValueError: for one sample, or where samples are not finite or so large that their HSIC is not.
    """
    value = (x.T @ (y - y.mean(0))).square().sum() / pairs(len(x))  # one centred side is as good as two
    if not bool(value.isfinite()):
        raise ValueError(
            f"the linear HSIC of samples up to {magnitude_of(x):.6g} and {magnitude_of(y):.6g} is no finite number in "
            f"{value.dtype}: standardise them, or look for values that are missing"
        )
    return value


@in_full_precision
def linear_cka(x: Float[Tensor, "samples dx"], y: Float[Tensor, "samples dy"]) -> Scalar:
    """‖X̄ᵀ Ȳ‖_F² / (‖X̄ᵀ X̄‖_F ‖Ȳᵀ Ȳ‖_F), in [0, 1] and blind to scale (Kornblith et al., ICML 2019); 0 for constants.

    Raises:
        ValueError: the samples are not finite.
    """
    x, y = downscaled("samples of x", x), downscaled("samples of y", y)
    x, y = x - x.mean(0), y - y.mean(0)
    scale = _gram_norm(x) * _gram_norm(y)
    return (x.T @ y).square().sum() / scale.clamp(min=torch.finfo(x.dtype).tiny)


def _gram_norm(x: Tensor) -> Tensor:
    """‖XᵀX‖_F = ‖XXᵀ‖_F, from the smaller of the two."""
    return (x @ x.T if len(x) < x.shape[1] else x.T @ x).norm()


@in_full_precision
def random_fourier_hsic(
    x: Float[Tensor, "samples dx"],
    y: Float[Tensor, "samples dy"],
    frequencies_x: Float[Tensor, "dx count"],
    frequencies_y: Float[Tensor, "dy count_y"],
) -> Scalar:
    """HSIC with Gaussian kernels, approximated by :func:`linear_hsic` of random Fourier features: O(m count²)."""
    return linear_hsic(random_fourier_features(x, frequencies_x), random_fourier_features(y, frequencies_y))
