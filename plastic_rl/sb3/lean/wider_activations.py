"""Modules between two linear layers that are more than a function of each number: norms, doublings, learnt slopes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from plastic_rl.sb3.lean.activations import LeanActivation

_aten = torch.ops.aten


class LayerNormalization(LeanActivation):
    """Layer normalisation over the last axis, without weights of its own.

    Args:
        module: the norm.
    """

    def __init__(self, module: Any) -> None:
        self.eps = module.eps

    def applied(self, values: Tensor) -> Tensor:
        return torch.layer_norm(values, values.shape[-1:], None, None, self.eps)

    def learned(self, values: Tensor) -> Tensor:
        self.input = values
        output, self.mean, self.scale = torch.native_layer_norm(values, values.shape[-1:], None, None, self.eps)
        return output

    def send_back(self, gradient: Tensor) -> Tensor:
        seen, only_input = self.input, [True, False, False]
        kept = (seen.shape[-1:], self.mean, self.scale, None, None)
        return _aten.native_layer_norm_backward(gradient.contiguous(), seen, *kept, only_input)[0]


class Doubling(LeanActivation):
    """Two numbers for each unit, side by side along the last axis.

    Args:
        module: the doubling.
    """

    def __init__(self, module: nn.Module) -> None:
        self.function = module.forward

    def applied(self, values: Tensor) -> Tensor:
        return self.function(values)

    def learned(self, values: Tensor) -> Tensor:
        self.output = self.function(values)
        return self.output

    def send_back(self, gradient: Tensor) -> Tensor:
        return self.derivative(*gradient.chunk(2, -1), *self.output.chunk(2, -1))

    @abstractmethod
    def derivative(self, of_first: Tensor, of_second: Tensor, first: Tensor, second: Tensor) -> Tensor:
        """The gradient of the units, given those of both halves, and the halves."""


class ConcatenatedReLU(Doubling):
    """The doubling [relu(x), relu(-x)]."""

    def derivative(self, of_first: Tensor, of_second: Tensor, first: Tensor, second: Tensor) -> Tensor:
        of_negative = _aten.threshold_backward(of_second, second, 0)
        return _aten.threshold_backward(of_first, first, 0) - of_negative


class SineAndCosine(Doubling):
    """The doubling [sin x, cos x]."""

    def derivative(self, of_first: Tensor, of_second: Tensor, first: Tensor, second: Tensor) -> Tensor:
        return of_first * second - of_second * first


class LearntSlope(LeanActivation):
    """The rectifier that learns one slope below zero for all units.

    Args:
        module: an :class:`torch.nn.PReLU`.
    """

    def __init__(self, module: Any) -> None:
        self.module = module

    def write_into(self, gradients: Mapping[Tensor, Tensor]) -> None:
        self.place = gradients[self.module.weight]

    def applied(self, values: Tensor) -> Tensor:
        return torch.prelu(values, self.module.weight)

    def learned(self, values: Tensor) -> Tensor:
        self.input = values
        return torch.prelu(values, self.module.weight)

    def send_back(self, gradient: Tensor) -> Tensor:
        slope = self.module.weight.view([1] * gradient.ndim)
        of_input, of_slopes = _aten._prelu_kernel_backward(gradient, self.input, slope)
        self.place.copy_(of_slopes.sum([*range(of_slopes.ndim)]))
        return of_input


class ByAutograd(LeanActivation):
    """A module that autograd differentiates, by itself.

    Args:
        module: the module, which treats each row alike, but for what it draws from a generator of its own.
    """

    runs_hooks = True

    def __init__(self, module: nn.Module) -> None:
        self.module, self.weights = module, list(module.parameters())
        self.places: list[Tensor] = []

    def write_into(self, gradients: Mapping[Tensor, Tensor]) -> None:
        self.places = [gradients[each] for each in self.weights]

    def applied(self, values: Tensor) -> Tensor:
        return self.module(values)

    @torch.enable_grad()
    def learned(self, values: Tensor) -> Tensor:
        self.input = values.detach().requires_grad_()
        self.output = self.module(self.input)
        return self.output.detach()

    def send_back(self, gradient: Tensor) -> Tensor:
        of_input, *of_weights = torch.autograd.grad(self.output, [self.input, *self.weights], gradient)
        for place, each in zip(self.places, of_weights, strict=True):
            place.copy_(each)
        return of_input
