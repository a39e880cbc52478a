"""Element-wise activations and their derivatives, without a graph."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

_aten = torch.ops.aten


class LeanActivation(ABC):
    """A module between two linear layers, on tensors along whose last axis units lie."""

    runs_hooks = False
    """True if it calls the module, with its hooks."""

    @abstractmethod
    def applied(self, values: Tensor) -> Tensor:
        """The activations, for somebody who acts: nothing is remembered; values may be written over."""

    @abstractmethod
    def learned(self, values: Tensor) -> Tensor:
        """The activations of a minibatch that is learned from, remembered for `send_back`; as above."""

    @abstractmethod
    def send_back(self, gradient: Tensor) -> Tensor:
        """The gradient of the values, given that of the activations; that of its own parameters is written."""

    def write_into(self, gradients: Mapping[Tensor, Tensor]) -> None:  # noqa: B027 -- most have none
        """Has the gradients of its own parameters written there.

        Args:
            gradients: where they go, by parameter.
        """


class ByOutput(LeanActivation):
    """An activation whose derivative is a function of its output.

    Args:
        function: writes activations over values.
        derivative: the gradient of the values, from that of the output and the output.
    """

    def __init__(self, function: Callable[[Tensor], Tensor], derivative: Callable[[Tensor, Tensor], Tensor]) -> None:
        self.function, self.derivative = function, derivative

    def applied(self, values: Tensor) -> Tensor:
        return self.function(values)

    def learned(self, values: Tensor) -> Tensor:
        self.output = self.function(values)
        return self.output

    def send_back(self, gradient: Tensor) -> Tensor:
        return self.derivative(gradient, self.output)


class ByInput(LeanActivation):
    """An activation whose derivative is a function of its input.

    Args:
        function: the activations of values.
        derivative: the gradient of the values, from that of the output and the values.
    """

    def __init__(self, function: Callable[[Tensor], Tensor], derivative: Callable[[Tensor, Tensor], Tensor]) -> None:
        self.function, self.derivative = function, derivative

    def applied(self, values: Tensor) -> Tensor:
        return self.function(values)

    def learned(self, values: Tensor) -> Tensor:
        self.input = values
        return self.function(values)

    def send_back(self, gradient: Tensor) -> Tensor:
        return self.derivative(gradient, self.input)


def relu(module: nn.Module) -> LeanActivation:
    """The rectifier."""
    return ByOutput(torch.relu_, lambda gradient, output: _aten.threshold_backward(gradient, output, 0))


def tanh(module: nn.Module) -> LeanActivation:
    """The hyperbolic tangent."""
    return ByOutput(torch.tanh_, _aten.tanh_backward)


def sigmoid(module: nn.Module) -> LeanActivation:
    """The logistic function."""
    return ByOutput(torch.sigmoid_, _aten.sigmoid_backward)


def leaky_relu(module: Any) -> LeanActivation:
    """The rectifier with a slope below zero, of 0 or more: the output has the sign of the input."""
    slope = module.negative_slope
    return ByOutput(
        lambda values: nn.functional.leaky_relu_(values, slope),
        lambda gradient, output: _aten.leaky_relu_backward(gradient, output, slope, False),
    )


def elu(module: Any) -> LeanActivation:
    """The exponential linear unit."""
    alpha = module.alpha
    return ByInput(
        lambda values: nn.functional.elu(values, alpha),
        lambda gradient, values: _aten.elu_backward(gradient, alpha, 1, 1, False, values),
    )


def gelu(module: Any) -> LeanActivation:
    """The Gaussian error linear unit."""
    form = module.approximate
    return ByInput(
        lambda values: nn.functional.gelu(values, approximate=form),
        lambda gradient, values: _aten.gelu_backward(gradient, values, approximate=form),
    )


def silu(module: nn.Module) -> LeanActivation:
    """The product x σ(x)."""
    return ByInput(nn.functional.silu, _aten.silu_backward)


def softplus(module: Any) -> LeanActivation:
    """The smooth rectifier log(1 + exp(β x)) / β."""
    beta, threshold = module.beta, module.threshold
    return ByInput(
        lambda values: nn.functional.softplus(values, beta, threshold),
        lambda gradient, values: _aten.softplus_backward(gradient, values, beta, threshold),
    )


def smooth_leaky_relu(module: Any) -> LeanActivation:
    """The rectifier of :class:`plastic_rl.networks.SmoothLeakyReLU`, a line and a scaled SiLU."""
    slope, sharpness = module.slope, module.sharpness
    share = (1 - slope) / sharpness

    def derivative(gradient: Tensor, values: Tensor) -> Tensor:
        return gradient * slope + _aten.silu_backward(gradient * share, sharpness * values) * sharpness

    return ByInput(module.forward, derivative)
