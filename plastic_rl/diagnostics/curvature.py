"""Two measures on demand: the rank of the empirical tangent kernel, and the largest eigenvalue of the Hessian.

Both take many backward passes, and are no part of a run's metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from plastic_rl.diagnostics.rank import effective_rank, srank
from plastic_rl.diagnostics.weights import norm

Kernel = Float[Tensor, "samples samples"]
Scalar = Float[Tensor, ""]


def tangent_kernel(network: nn.Module, inputs: Tensor, output: Callable[[Any], Tensor] | None = None) -> Kernel:
    """The empirical neural tangent kernel K_ij = ⟨∇f(x_i), ∇f(x_j)⟩ of a number f(x) that a network says of a sample.

    Args:
        network: run sample by sample, in the mode in which it is.
        inputs: a row for each sample.
        output: picks f(x) from what the network returns for a batch of one; None for the sum of its outputs.
    """
    weights = [each for each in network.parameters() if each.requires_grad]
    rows = list[Tensor]()
    for sample in inputs.split(1):
        with torch.enable_grad():
            said = network(sample)
            number = said.sum() if output is None else output(said)
            gradients = torch.autograd.grad(number, weights, allow_unused=True, materialize_grads=True)
        rows.append(torch.cat([each.flatten() for each in gradients]))
    jacobian = torch.stack(rows)
    return jacobian @ jacobian.T


def kernel_ranks(kernel: Kernel) -> dict[str, float]:
    """The effective rank and the srank (99 %) of a kernel, as shares of its samples (C-CHAIN, Tang et al. 2025).

    A network whose kernel has a small one moves its answers to all samples together, and learns few things apart.
    """
    values = torch.linalg.eigvalsh(kernel.double()).clamp(min=0).flip(0)
    samples = len(kernel)
    return {
        "ntk/rank_effective": effective_rank(values).item() / samples,
        "ntk/rank_srank99": srank(values).item() / samples,
    }


def largest_eigenvalue(
    loss: Callable[[], Tensor],
    weights: Sequence[Tensor],
    *,
    iterations: int = 100,
    tolerance: float = 1e-4,
    seed: int = 0,
) -> float:
    """The eigenvalue of the Hessian of a loss that is largest in magnitude, by power iteration without the matrix.

    It converges the slower the nearer the second largest is.

    Args:
        loss: the loss as a function of the weights as they are, differentiable twice; the same at each call.
        weights: by which it is differentiated.
        iterations: at most so many Hessian-vector products.
        tolerance: stop where the estimate changes by less than this share of itself.
        seed: of the vector to begin with; the global generators are not touched.
    """
    generator = torch.Generator().manual_seed(seed)
    vector = [torch.randn(each.shape, generator=generator).to(each) for each in weights]
    with torch.enable_grad():
        slopes = torch.autograd.grad(loss(), weights, create_graph=True, materialize_grads=True, allow_unused=True)
    estimate = 0.0
    for _ in range(iterations):
        size = norm(vector)
        if not float(size):
            return 0.0
        vector = [each / size for each in vector]
        product = _curved(slopes, weights, vector)
        before, estimate = estimate, sum(float((a * b).sum()) for a, b in zip(product, vector, strict=True))
        if abs(estimate - before) <= tolerance * abs(estimate):
            break
        vector = product
    return estimate


def _curved(slopes: Sequence[Tensor], weights: Sequence[Tensor], vector: Sequence[Tensor]) -> list[Tensor]:
    """The Hessian times a vector (Pearlmutter 1994): the gradient of the slope along it."""
    curved = [(slope, part) for slope, part in zip(slopes, vector, strict=True) if slope.requires_grad]
    if not curved:
        return [torch.zeros_like(each) for each in weights]
    outputs, parts = zip(*curved, strict=True)
    found = torch.autograd.grad(outputs, weights, parts, retain_graph=True, allow_unused=True, materialize_grads=True)
    return list(found)
