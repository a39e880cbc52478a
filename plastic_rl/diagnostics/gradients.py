"""The gradients of one step, as numbers: their size, how many are nothing, and whether steps point the same way."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.diagnostics.weights import norm

Scalar = Float[Tensor, ""]


def gradient_norm(gradients: Sequence[Tensor]) -> Scalar:
    """The Euclidean norm of all gradients together."""
    return norm(gradients)


def zero_share(gradients: Sequence[Tensor]) -> float:
    """The share of entries that are exactly 0: those of weights that learn nothing from this batch."""
    return 1 - sum(int(each.count_nonzero()) for each in gradients) / sum(each.numel() for each in gradients)


def cosine(gradients: Sequence[Tensor], others: Sequence[Tensor]) -> Scalar:
    """The cosine of the angle between two gradients, all entries together; 0 where one of them is nothing."""
    dots = torch.stack([torch.dot(one.flatten(), two.flatten()) for one, two in zip(gradients, others, strict=True)])
    sizes = norm(gradients) * norm(others)
    return dots.sum() / sizes.clamp(min=torch.finfo(dots.dtype).tiny)
