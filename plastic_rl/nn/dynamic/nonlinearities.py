"""The non-linearities that units of a dynamic network may have, each with its slope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from plastic_rl.choices import DynamicNonlinearity


@dataclass(frozen=True)
class UnitFunction:
    """A function of a unit's input, applied to each number by itself.

    Args:
        function: φ.
        slope: φ', given the unit's input and its activation.
        module: the class of torch's module that computes it; None where torch has none.
    """

    function: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor, Tensor], Tensor]
    module: type[nn.Module] | None = None


def threshold(inputs: Tensor) -> Tensor:
    """1 where the input is positive, else 0: a linear threshold unit."""
    return (inputs > 0).to(inputs)


NONLINEARITIES: dict[DynamicNonlinearity, UnitFunction] = {
    DynamicNonlinearity.tanh: UnitFunction(torch.tanh, lambda a, f: 1 - f.square(), nn.Tanh),
    DynamicNonlinearity.relu: UnitFunction(torch.relu, lambda a, f: (a > 0).to(a), nn.ReLU),
    DynamicNonlinearity.sigmoid: UnitFunction(torch.sigmoid, lambda a, f: f * (1 - f), nn.Sigmoid),
    # Its slope is 0 everywhere, so that its incoming weights are searched for, and never learnt.
    DynamicNonlinearity.threshold: UnitFunction(threshold, lambda a, f: torch.zeros_like(a)),
}
