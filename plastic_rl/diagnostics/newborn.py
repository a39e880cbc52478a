"""The gradients of newborn units beside those of the others: whether units that were just born are starved."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from plastic_rl.layers import HiddenLayer, Port


def newborn_gradients(layer: HiddenLayer, newborn: Bool[Tensor, " units"]) -> dict[str, float]:
    """The gradient norm of a newborn unit over that of an incumbent, of incoming and of outgoing weights.

    Of each unit it is the norm of the gradient of its weights (of incoming ones with the bias); of newborn units and of
    the others the root of the mean square is taken. 1 is as much as the others get. A unit whose outgoing weights are
    zero has 0 at its incoming ones: nothing comes back to it. Call it between the backward pass and the step.

    Args:
        layer: the group of units, with gradients at hand.
        newborn: which of its units are newborn; some are, and some are not.

    Raises:
        ValueError: there are no newborn units, or no others; or weights of the layer have no gradient.
    """
    count = int(newborn.sum())
    if not 0 < count < layer.units:
        raise ValueError(f"{count} of {layer.units} units of `{layer.name}` are newborn; some must be, and some not")
    squares = {
        "incoming": _sum([_of_rows(port) for port in layer.produced_by]),
        "outgoing": _sum([_of_columns(port) for port in layer.read_by]),
    }
    return {name: _ratio(values, newborn.to(values.device)) for name, values in squares.items()}


def _ratio(squares: Float[Tensor, " units"], newborn: Bool[Tensor, " units"]) -> float:
    """The root of the quotient of two means; 0 where neither side has any gradient."""
    others = squares[~newborn].mean().clamp(min=torch.finfo(squares.dtype).tiny)
    return float((squares[newborn].mean() / others).sqrt())


def _of_rows(port: Port) -> Float[Tensor, " units"]:
    squares = _gradient(port).flatten(1).square().sum(1)
    if port.bias is not None and port.bias.grad is not None:
        squares = squares + port.bias.grad.square()
    return port.per_unit(squares)


def _of_columns(port: Port) -> Float[Tensor, " units"]:
    gradient = _gradient(port)
    return port.per_unit(gradient.square().sum([axis for axis in range(gradient.ndim) if axis != 1]))


def _gradient(port: Port) -> Tensor:
    gradient = port.gradient
    if gradient is None:
        raise ValueError(f"the weight of `{port.name}` has no gradient: call this between backward() and step()")
    return gradient


def _sum(values: list[Tensor]) -> Tensor:
    return torch.stack(values).sum(0)
