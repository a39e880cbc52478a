"""Element-wise activations and their derivatives, as functions of the output alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

_aten = torch.ops.aten


class KnownActivation(NamedTuple):
    """An activation.

    Args:
        apply_: applies it to a tensor of which nobody else knows.
        backward: the gradient of its input, from that of its output and the output.
    """

    apply_: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor, Tensor], Tensor]


def _relu(module: nn.Module) -> KnownActivation:
    return KnownActivation(torch.relu_, lambda gradient, output: _aten.threshold_backward(gradient, output, 0))


def _tanh(module: nn.Module) -> KnownActivation:
    return KnownActivation(torch.tanh_, _aten.tanh_backward)


def _sigmoid(module: nn.Module) -> KnownActivation:
    return KnownActivation(torch.sigmoid_, _aten.sigmoid_backward)


def _leaky_relu(module: Any) -> KnownActivation:
    slope = module.negative_slope
    return KnownActivation(
        lambda inputs: nn.functional.leaky_relu_(inputs, slope),
        # With a slope of 0 or more the output has the sign of the input.
        lambda gradient, output: _aten.leaky_relu_backward(gradient, output, slope, False),
    )


_KINDS: dict[type[nn.Module], Callable[[Any], KnownActivation]] = {
    nn.ReLU: _relu,
    nn.Tanh: _tanh,
    nn.Sigmoid: _sigmoid,
    nn.LeakyReLU: _leaky_relu,
}


def is_known(module: nn.Module) -> bool:
    """True if there is a derivative for an activation here."""
    return type(module) in _KINDS and getattr(module, "negative_slope", 0.0) >= 0


def activation_of(module: nn.Module) -> KnownActivation:
    """The activation that a module is, which :func:`is_known`."""
    return _KINDS[type(module)](module)
