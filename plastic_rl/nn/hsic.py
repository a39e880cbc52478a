"""The Hilbert-Schmidt independence criterion, in the forms in which a layer can be trained by it.

Gretton, Bousquet, Smola, Schölkopf, "Measuring statistical dependence with Hilbert-Schmidt norms", ALT 2005; normalised
as in Ma, Lewis, Kleijn, "The HSIC bottleneck: deep learning without back-propagation", AAAI 2020; plausible as in
Pogodin, Latham, "Kernelized information bottleneck leads to biologically plausible 3-factor Hebbian learning",
NeurIPS 2020. Kernels are those of one batch of m samples (:mod:`plastic_rl.nn.kernels`); H = I - 11ᵀ/m centres.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from plastic_rl.nn.kernels import Kernel, centered, random_fourier_features

Scalar = Float[Tensor, ""]


def hsic(kernel_x: Kernel, kernel_y: Kernel) -> Scalar:
    """HSIC(X, Y) = tr(K_X H K_Y H) / (m - 1)²; costs O(m²)."""
    return (centered(kernel_x) * kernel_y).sum() / (len(kernel_x) - 1) ** 2


def plausible_hsic(kernel_x: Kernel, kernel_y: Kernel) -> Scalar:
    """pHSIC(X, Y): the covariance of the kernels' entries over pairs of samples (Pogodin & Latham 2020).

    HSIC, times ((m - 1) / m)², where the rows of one kernel have one mean: with labels whose batch mean is zero.
    """
    return ((kernel_x - kernel_x.mean()) * kernel_y).mean()


def whitened(kernel: Kernel, epsilon: float = 1e-5) -> Kernel:
    """R = K̄ (K̄ + ε m I)⁻¹ = I - ε m (K̄ + ε m I)⁻¹: a soft projector on what the kernel tells apart; one Cholesky."""
    identity = torch.eye(len(kernel), dtype=kernel.dtype, device=kernel.device)
    shift = epsilon * len(kernel)
    factor = torch.linalg.cholesky(centered(kernel) + shift * identity)
    return identity - shift * torch.cholesky_inverse(factor)


def normalized_hsic(kernel_x: Kernel, kernel_y: Kernel, epsilon: float = 1e-5) -> Scalar:
    """nHSIC(X, Y) = tr(R_X R_Y), with R of :func:`whitened`: a soft count of canonical correlations.

    At most the smaller of the two ranks: the number of classes less one for class labels. The authors' code centres on
    one side and inverts four times; this is the same number (float64) from two Cholesky factors.
    """
    return (whitened(kernel_x, epsilon) * whitened(kernel_y, epsilon)).sum()


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
        shift, target = epsilon * len(kernel), centered(target)
        system = centered(kernel)
        system.diagonal().add_(shift)
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(system))
        product = shift * (inverse @ target)
        if ctx.needs_input_grad[0]:  # one m × m matrix is kept, instead of the two that it is made of
            ctx.save_for_backward(centered(product @ inverse))
        return target.trace() - product.trace()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *outputs: Tensor) -> tuple[Tensor, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        (gradient,) = ctx.saved_tensors
        return outputs[0] * gradient, None, None


def linear_hsic(x: Float[Tensor, "samples dx"], y: Float[Tensor, "samples dy"]) -> Scalar:
    """HSIC with linear kernels, ‖X̄ᵀ Ȳ‖_F² / (m - 1)²: costs O(m d_x d_y), and no m × m matrix is formed."""
    return (x.T @ (y - y.mean(0))).square().sum() / (len(x) - 1) ** 2  # one centred side is as good as two


def linear_cka(x: Float[Tensor, "samples dx"], y: Float[Tensor, "samples dy"]) -> Scalar:
    """‖X̄ᵀ Ȳ‖_F² / (‖X̄ᵀ X̄‖_F ‖Ȳᵀ Ȳ‖_F), in [0, 1] and blind to scale (Kornblith et al., ICML 2019); 0 for constants."""
    x, y = x - x.mean(0), y - y.mean(0)
    scale = _gram_norm(x) * _gram_norm(y)
    return (x.T @ y).square().sum() / scale.clamp(min=torch.finfo(x.dtype).tiny)


def _gram_norm(x: Tensor) -> Tensor:
    """‖XᵀX‖_F = ‖XXᵀ‖_F, from the smaller of the two."""
    return (x @ x.T if len(x) < x.shape[1] else x.T @ x).norm()


def random_fourier_hsic(
    x: Float[Tensor, "samples dx"],
    y: Float[Tensor, "samples dy"],
    frequencies_x: Float[Tensor, "dx count"],
    frequencies_y: Float[Tensor, "dy count_y"],
) -> Scalar:
    """HSIC with Gaussian kernels, approximated by :func:`linear_hsic` of random Fourier features: O(m count²)."""
    return linear_hsic(random_fourier_features(x, frequencies_x), random_fourier_features(y, frequencies_y))
