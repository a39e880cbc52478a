"""Several multi-layer perceptrons as one, without a graph."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import torch
from torch import Tensor

from plastic_rl.sb3.lean.gradients import Gradients
from plastic_rl.sb3.lean.perceptron import Perceptron, tell
from plastic_rl.sb3.seeds.activations import stacked
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
        places = zip(*(net.activations for net in each), strict=True)
        self.activations = [
            [stacked(of_seeds, stack) for of_seeds in zip(*of_place, strict=True)] for of_place in places
        ]
        self.listened = [any(of_layer) for of_layer in zip(*(net.listened for net in each), strict=True)]
        self.listened_between = [any(of_each) for of_each in zip(*(net.listened_between for net in each), strict=True)]
        self.inputs: list[Tensor] = []
        self.places: list[tuple[Tensor, Tensor]] = []

    def outputs(self, values: Tensor) -> Tensor:
        """The outputs, for somebody who acts: nothing is remembered, and nobody told."""
        for (weight, bias), between in zip(self.layers, self.activations, strict=False):
            values = self.products.output(values, weight, bias)
            for activation in between:
                values = activation.applied(values)
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
        is_listened = self.listened_between[place]
        for step, activation in enumerate(self.activations[place]):
            is_told = is_listened and not activation.runs_hooks
            outputs = activation.learned(values.clone() if is_told else values)
            if is_told:
                for seed, net in enumerate(self.each):
                    tell(net.between[place][step], values[seed], outputs[seed])
            values = outputs
        return values

    def write_into(self, gradients: Gradients) -> None:
        """Has the gradients of all parameters written there."""
        self.places = [(gradients.of[weight], gradients.of[bias]) for weight, bias in self.layers]
        for activation in chain(*self.activations):
            activation.write_into(gradients.of)

    def send_back(self, gradient: Tensor) -> None:
        """Writes the gradients of all parameters, given that of the outputs."""
        for place in range(len(self.layers) - 1, -1, -1):
            of_weight, of_bias = self.places[place]
            inputs = self.inputs[place]
            self.products.of_weight(gradient, inputs, of_weight)
            torch.sum(gradient, 1, out=of_bias)
            if place:
                gradient = self.products.of_input(gradient, self.layers[place][0])
                for activation in reversed(self.activations[place - 1]):
                    gradient = activation.send_back(gradient)
