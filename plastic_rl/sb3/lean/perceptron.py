"""A multi-layer perceptron without a graph: it puts out, and it sends a gradient back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from plastic_rl.sb3.lean.activations import Activation, activation_of
from plastic_rl.sb3.lean.products import Products


class Perceptron:
    """Linear layers, an activation after each but the last.

    Weights are looked up in the modules each time, so that whoever gives a module another weight is followed.

    Args:
        hidden: the hidden layers of a policy's network: linear layers and activations in turn.
        head: the last layer.
        products: the matrix products.
    """

    def __init__(self, hidden: Iterable[nn.Module], head: nn.Linear, products: Products) -> None:
        modules = [*hidden]
        self.linears: list[Any] = [*modules[::2], head]
        self.activators = modules[1::2]
        self.activations: list[Activation] = [activation_of(module) for module in self.activators]
        self.products = products
        self.inputs: list[Tensor] = []
        self.has_listeners = False

    def outputs(self, values: Tensor) -> Tensor:
        """The outputs, for somebody who acts: nothing is remembered, and nobody told."""
        for linear, activation in zip(self.linears, self.activations, strict=False):
            values = activation.apply_(self._through(linear, values))
        return self._through(self.linears[-1], values)

    def learning_outputs(self, values: Tensor) -> Tensor:
        """The outputs for a minibatch that is learned from: what each layer was given is kept, and hooks are run."""
        self.inputs = []
        for place, linear in enumerate(self.linears):
            self.inputs.append(values)
            outputs = self._through(linear, values)
            self._tell(linear, values, outputs)
            if place < len(self.activations):
                before = outputs.clone() if self.has_listeners else outputs
                outputs = self.activations[place].apply_(outputs)
                self._tell(self.activators[place], before, outputs)
            values = outputs
        return values

    def send_back(self, gradient: Tensor, into: dict[Tensor, Tensor]) -> None:
        """Writes the gradients of all weights and biases.

        Args:
            gradient: of the outputs.
            into: where they go, by parameter.
        """
        for place in reversed(range(len(self.linears))):
            weight, bias = _parameters(self.linears[place])
            self.products.of_weight(gradient, self.inputs[place], into[weight])
            torch.sum(gradient, 0, out=into[bias])
            if place:
                gradient = self.products.of_input(gradient, weight)
                gradient = self.activations[place - 1].backward(gradient, self.inputs[place])

    def _through(self, linear: nn.Module, values: Tensor) -> Tensor:
        return self.products.output(values, *_parameters(linear))

    def _tell(self, module: nn.Module, inputs: Tensor, outputs: Tensor) -> None:
        if self.has_listeners:
            with torch.enable_grad():
                _run_hooks(module, "_forward_pre_hooks", inputs)
                _run_hooks(module, "_forward_hooks", inputs, outputs)


def _parameters(linear: nn.Module) -> Iterator[Tensor]:
    # Past `nn.Module.__getattr__`, which takes longer than a small product.
    return iter(linear._parameters.values())  # pyright: ignore[reportReturnType]


def _run_hooks(module: nn.Module, kind: str, inputs: Tensor, *outputs: Tensor) -> None:
    hooks: dict[int, Any] = getattr(module, kind)
    with_names: dict[int, bool] = getattr(module, f"{kind}_with_kwargs")
    for number, hook in list(hooks.items()):
        hook(module, (inputs,), *([{}] if number in with_names else []), *outputs)
