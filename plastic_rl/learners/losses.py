"""The loss that is minimised on a stream, and scores of how well its targets were met."""

from __future__ import annotations

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional


def loss(
    outputs: Float[Tensor, "*seeds batch out"], targets: Shaped[Tensor, "..."], is_regression: bool
) -> Float[Tensor, "*seeds"]:
    """The mean over a minibatch of the squared error summed over outputs, or of the cross-entropy in nats."""
    if is_regression:
        errors = functional.mse_loss(outputs, targets, reduction="none" if outputs.ndim > 2 else "mean")
        mean = errors.mean((-1, -2)) if outputs.ndim > 2 else errors
        return mean * outputs.shape[-1] if outputs.shape[-1] > 1 else mean
    if outputs.ndim == 2:
        return functional.cross_entropy(outputs, targets)
    each = functional.cross_entropy(outputs.flatten(0, 1), targets.flatten(), reduction="none")
    return each.view(targets.shape).mean(-1)


@torch.no_grad()
def scores(
    outputs: Float[Tensor, "seeds n out"], targets: Shaped[Tensor, "..."], is_regression: bool
) -> Float[Tensor, " seeds"]:
    """For each seed the sum over examples of the squared error, or the number of examples classified rightly."""
    if is_regression:
        return (outputs.double() - targets).square().sum((-1, -2))
    return (outputs.argmax(-1) == targets).sum(-1).double()
