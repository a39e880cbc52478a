"""Products and sums over the weights of units, where each output has an error of its own.

Errors have a shape with which the shape of every weight begins: none for one output, (outputs,) for a linear layer with
its weight of shape (outputs, inputs) and its bias of shape (outputs,), (seeds, outputs) for several of them as one.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def lifted(values: Float[Tensor, " *units"], like: Tensor) -> Tensor:
    """Values of units, with as many axes of length 1 behind as let them be multiplied with a tensor of weights."""
    return values.reshape(values.shape + (1,) * (like.ndim - values.ndim))


def times(tensors: list[Tensor], values: Float[Tensor, " *units"]) -> list[Tensor]:
    """Tensors of weights, each unit's weights times its own value."""
    return [each * lifted(values, each) for each in tensors]


def unit_sums(tensors: list[Tensor], units: int) -> Float[Tensor, " *units"]:
    """The sum over all weights of each unit, in whichever tensor they stand.

    Args:
        tensors: of weights.
        units: the number of the first axes, which number the units.
    """
    sums = [each.flatten(units).sum(-1) if each.ndim > units else each for each in tensors]
    return sums[0] if len(sums) == 1 else torch.stack(sums).sum(0)


def misfit(errors: Tensor, weights: list[Tensor]) -> str:
    """The reason why errors do not belong to weights; empty where they do."""
    for weight in weights:
        if weight.shape[: errors.ndim] != errors.shape:
            return (
                f"errors of shape {tuple(errors.shape)} do not belong to a parameter of shape {tuple(weight.shape)}, "
                "which must begin with it: one error for all parameters, or one for each row of a linear layer. "
                "There is no axis of examples, as these rules learn from one at a time"
            )
    return ""
