"""A multi-layer perceptron without a graph: it puts out, and it sends a gradient back."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from plastic_rl.sb3.lean.between import activation_of, modules_of
from plastic_rl.sb3.lean.gradients import Gradients
from plastic_rl.sb3.lean.products import Products


class Perceptron:
    """Linear layers, after each but the last a norm, an activation or several.

    Weights are looked up in the modules each time, so that whoever gives a module another weight is followed.

    Args:
        hidden: the hidden layers of a policy's network: linear layers, and what stands between them, in turn.
        head: the last layer.
        products: the matrix products.
    """

    def __init__(self, hidden: Iterable[nn.Module], head: nn.Linear, products: Products) -> None:
        modules = [*hidden]
        self.linears, self.between = [*modules[::2], head], [modules_of(each) for each in modules[1::2]]
        # Past `nn.Module.__getattr__`, which takes longer than a small product.
        self.weights: list[dict[str, Any]] = [linear._parameters for linear in self.linears]
        self.activations = [[activation_of(module) for module in each] for each in self.between]
        self.output, self.products = products.output, products
        self.inputs: list[Tensor] = []
        self.listened = [has_hooks(module) for module in self.linears]
        self.listened_between = [any(map(has_hooks, each)) for each in self.between]
        self.places: list[tuple[Tensor, Tensor]] = []

    def outputs(self, values: Tensor) -> Tensor:
        """The outputs, for somebody who acts: nothing is remembered, and nobody told."""
        for weights, between in zip(self.weights, self.activations, strict=False):
            values = self.output(values, weights["weight"], weights["bias"])
            for activation in between:
                values = activation.applied(values)
        return self.output(values, self.weights[-1]["weight"], self.weights[-1]["bias"])

    def learning_outputs(self, values: Tensor) -> Tensor:
        """The outputs for a minibatch that is learned from: what each layer was given is kept, and hooks are run."""
        self.inputs = []
        for place, weights in enumerate(self.weights):
            self.inputs.append(values)
            outputs = self.output(values, weights["weight"], weights["bias"])
            if self.listened[place]:
                tell(self.linears[place], values, outputs)
            values = outputs if place == len(self.activations) else self._activated(place, outputs)
        return values

    def _activated(self, place: int, values: Tensor) -> Tensor:
        is_listened = self.listened_between[place]
        for module, activation in zip(self.between[place], self.activations[place], strict=True):
            is_told = is_listened and not activation.runs_hooks
            outputs = activation.learned(values.clone() if is_told else values)
            if is_told:
                tell(module, values, outputs)
            values = outputs
        return values

    def write_into(self, gradients: Gradients) -> None:
        """Has the gradients of all parameters written there."""
        self.places = [(gradients.of[each["weight"]], gradients.of[each["bias"]]) for each in self.weights]
        for activation in chain(*self.activations):
            activation.write_into(gradients.of)

    def send_back(self, gradient: Tensor) -> None:
        """Writes the gradients of all parameters, given that of the outputs."""
        products = self.products
        for place in range(len(self.weights) - 1, -1, -1):
            of_weight, of_bias = self.places[place]
            inputs = self.inputs[place]
            products.of_weight(gradient, inputs, of_weight)
            torch.sum(gradient, 0, out=of_bias)
            if place:
                gradient = products.of_input(gradient, self.weights[place]["weight"])
                for activation in reversed(self.activations[place - 1]):
                    gradient = activation.send_back(gradient)


def has_hooks(module: nn.Module) -> bool:
    """True if somebody listens to the forward passes of a module."""
    return bool(module._forward_pre_hooks or module._forward_hooks)


def tell(module: nn.Module, inputs: Tensor, outputs: Tensor) -> None:
    """Runs the hooks of a module that has not been called."""
    with torch.enable_grad():
        if module._forward_pre_hooks:
            _run_hooks(module, "_forward_pre_hooks", inputs)
        if module._forward_hooks:
            _run_hooks(module, "_forward_hooks", inputs, outputs)


def _run_hooks(module: nn.Module, kind: str, inputs: Tensor, *outputs: Tensor) -> None:
    hooks: dict[int, Any] = getattr(module, kind)
    with_names: dict[int, bool] = getattr(module, f"{kind}_with_kwargs")
    for number, hook in list(hooks.items()):
        hook(module, (inputs,), *([{}] if number in with_names else []), *outputs)
