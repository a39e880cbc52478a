"""Several multi-layer perceptrons as one, without a graph."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from plastic_rl.sb3.lean.gradients import Gradients
from plastic_rl.sb3.lean.perceptron import Perceptron, tell
from plastic_rl.sb3.seeds.products import StackedProducts
from plastic_rl.sb3.seeds.stacked_policies import StackedPolicies


class Perceptrons:
    """The perceptrons of all seeds, each as :class:`plastic_rl.sb3.lean.perceptron.Perceptron` would be.

    Args:
        each: the perceptron of each seed, alike in all but weights.
        stack: of their weights.
    """

    def __init__(self, each: Sequence[Perceptron], stack: StackedPolicies) -> None:
        self.each, self.products, first = list(each), StackedProducts(), each[0]
        self.layers = [(stack.of[part["weight"]], stack.of[part["bias"]]) for part in first.weights]
        self.activations = first.activations
        self.listened = [any(of_layer) for of_layer in zip(*(net.listened for net in each), strict=True)]
        self.listened_after = [any(of_layer) for of_layer in zip(*(net.listened_after for net in each), strict=True)]
        self.inputs: list[Tensor] = []
        self.places: list[tuple[Tensor, Tensor]] = []

    def outputs(self, values: Tensor) -> Tensor:
        """The outputs, for somebody who acts: nothing is remembered, and nobody told."""
        for (weight, bias), activation in zip(self.layers, self.activations, strict=False):
            values = activation.apply_(self.products.output(values, weight, bias))
        return self.products.output(values, *self.layers[-1])

    def learning_outputs(self, values: Tensor) -> Tensor:
        """The outputs for a minibatch of each seed: what each layer was given is kept, and hooks are run."""
        self.inputs = []
        for place, (weight, bias) in enumerate(self.layers):
            self.inputs.append(values)
            outputs = self.products.output(values, weight, bias)
            if self.listened[place]:
                for seed, net in enumerate(self.each):
                    tell(net.linears[place], values[seed], outputs[seed])
            values = outputs if place == len(self.activations) else self._activated(place, outputs)
        return values

    def _activated(self, place: int, values: Tensor) -> Tensor:
        if not self.listened_after[place]:
            return self.activations[place].apply_(values)
        outputs = self.activations[place].apply_(values.clone())
        for seed, net in enumerate(self.each):
            tell(net.activators[place], values[seed], outputs[seed])
        return outputs

    def write_into(self, gradients: Gradients) -> None:
        """Has the gradients of all weights and biases written there."""
        self.places = [(gradients.of[weight], gradients.of[bias]) for weight, bias in self.layers]

    def send_back(self, gradient: Tensor) -> None:
        """Writes the gradients of all weights and biases, given that of the outputs."""
        for place in range(len(self.layers) - 1, -1, -1):
            of_weight, of_bias = self.places[place]
            inputs = self.inputs[place]
            self.products.of_weight(gradient, inputs, of_weight)
            torch.sum(gradient, 1, out=of_bias)
            if place:
                gradient = self.products.of_input(gradient, self.layers[place][0])
                gradient = self.activations[place - 1].backward(gradient, inputs)
