"""The gradients of a policy, side by side in one tensor."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import (
    Tensor,
    _foreach_mul_,  # pyright: ignore[reportPrivateImportUsage]
    _foreach_norm,  # pyright: ignore[reportPrivateImportUsage]
)

# Each gradient begins where a processor likes to read: at a multiple of this many numbers.
ALIGNED = 16


class Gradients:
    """A place for the gradient of each parameter, all in one tensor.

    Args:
        parameters: in the order of `policy.parameters()`.
    """

    def __init__(self, parameters: Iterable[Tensor]) -> None:
        self.parameters = list(parameters)
        self.sizes = [math.ceil(each.numel() / ALIGNED) * ALIGNED for each in self.parameters]
        self.all = torch.zeros(sum(self.sizes))
        self.of = dict(zip(self.parameters, self.split(self.all), strict=True))

    def split(self, flat: Tensor) -> list[Tensor]:
        """The parts of a tensor of the same length, one of the shape of each parameter."""
        parts = zip(self.parameters, flat.split(self.sizes), strict=True)
        return [part[: each.numel()].view_as(each) for each, part in parts]

    def hand_over(self) -> None:
        """Makes them the parameters' gradients, with what a method has put there already."""
        for parameter, gradient in self.of.items():
            if parameter.grad is not gradient:
                if parameter.grad is not None:
                    gradient.add_(parameter.grad)
                parameter.grad = gradient

    def let_go(self) -> None:
        """Leaves to the parameters what an optimiser that clears gradients in place has made of them."""
        for parameter, gradient in self.of.items():
            if parameter.grad is gradient:
                parameter.grad = gradient.clone()

    def clip(self, longest: float) -> None:
        """Shortens the gradient to a length, as `torch.nn.utils.clip_grad_norm_` does, where it is longer."""
        if self.are_handed_over() and self.are_shorter(longest):
            return  # torch would multiply by exactly 1
        present = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        length = torch.linalg.vector_norm(torch.stack(_foreach_norm(present, 2.0)), 2.0)
        factor = torch.clamp(longest / (length + 1e-6), max=1.0)
        _foreach_mul_(present, factor)

    def are_outgrown(self) -> bool:
        """True if a parameter is of another shape now."""
        return any(parameter.shape != gradient.shape for parameter, gradient in self.of.items())

    def are_shorter(self, longest: float) -> bool:
        """True if their length is below a length for certain."""
        return math.sqrt(float(torch.dot(self.all, self.all))) < 0.99 * longest

    def are_handed_over(self) -> bool:
        """True if the parameters' gradients are these tensors."""
        return all(parameter.grad is gradient for parameter, gradient in self.of.items())
