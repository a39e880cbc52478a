"""The modules that stand between two linear layers, for all seeds at once where they have no weights of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor

from plastic_rl.sb3.lean.activations import LeanActivation
from plastic_rl.sb3.lean.wider_activations import ByAutograd, LearntSlope
from plastic_rl.sb3.seeds.stacked_policies import StackedPolicies


def stacked(each: Sequence[LeanActivation], stack: StackedPolicies) -> LeanActivation:
    """The same activation of several seeds as one, for values with a first axis of seeds.

    Args:
        each: that of each seed, alike in kind and settings.
        stack: of their policies.
    """
    if isinstance(each[0], LearntSlope):
        return StackedSlopes(stack.of[each[0].module.weight])
    if isinstance(each[0], ByAutograd):
        return ModulesInTurn(cast(Sequence[ByAutograd], each), stack)
    return each[0]


class StackedSlopes(LeanActivation):
    """The rectifiers of several seeds, each with one learnt slope below zero.

    Args:
        slopes: of shape (seeds, 1).
    """

    def __init__(self, slopes: Tensor) -> None:
        self.slopes = slopes

    def write_into(self, gradients: Mapping[Tensor, Tensor]) -> None:
        self.place = gradients[self.slopes]

    def applied(self, values: Tensor) -> Tensor:
        return torch.ops.aten._prelu_kernel(values, self.slopes[:, :, None])

    def learned(self, values: Tensor) -> Tensor:
        self.input = values
        return self.applied(values)

    def send_back(self, gradient: Tensor) -> Tensor:
        slopes = self.slopes[:, :, None]
        of_input, of_slopes = torch.ops.aten._prelu_kernel_backward(gradient, self.input, slopes)
        for place, of_seed in zip(self.place, of_slopes, strict=True):
            place.copy_(of_seed.sum([0, 1]))  # one by one: sums of several add up in another order
        return of_input


class ModulesInTurn(LeanActivation):
    """Modules that autograd differentiates, one after another.

    Args:
        each: of each seed.
        stack: of their policies.
    """

    runs_hooks = True

    def __init__(self, each: Sequence[ByAutograd], stack: StackedPolicies) -> None:
        self.each = list(each)
        self.wholes = [stack.of[weight] for weight in each[0].weights]

    def write_into(self, gradients: Mapping[Tensor, Tensor]) -> None:
        wholes = [gradients[whole] for whole in self.wholes]
        for seed, activation in enumerate(self.each):
            parts = StackedPolicies.parts(wholes, seed)
            activation.write_into(dict(zip(activation.weights, parts, strict=True)))

    def applied(self, values: Tensor) -> Tensor:
        return torch.stack([each.applied(of_seed) for each, of_seed in zip(self.each, values, strict=True)])

    def learned(self, values: Tensor) -> Tensor:
        return torch.stack([each.learned(of_seed) for each, of_seed in zip(self.each, values, strict=True)])

    def send_back(self, gradient: Tensor) -> Tensor:
        return torch.stack([each.send_back(of_seed) for each, of_seed in zip(self.each, gradient, strict=True)])
