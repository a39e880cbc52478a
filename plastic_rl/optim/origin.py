"""The origin of a parameter: the distribution that its entries came from, for fresh ones to be drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from plastic_rl.initialisers import Resembling, Spread


@dataclass(frozen=True)
class Origin:
    """The distribution that a tensor's entries came from.

    Args:
        mean: their mean; 0 for a weight, and for a vector (a bias, the scale of a norm) what it started at.
        spread: how they are spread around it.
    """

    mean: float
    spread: Resembling

    @classmethod
    def of(cls, start: Tensor) -> Origin:
        """Fits to a freshly initialised parameter."""
        if start.ndim > 1:
            return cls(0.0, Resembling.of(start))
        mean = start.detach().mean().item()
        return cls(mean, Resembling.of((start.detach() - mean).view(1, -1)))

    def draw(self, like: Tensor, generator: Generator) -> Tensor:
        """A fresh tensor of the same shape."""
        fresh = torch.empty_like(like)
        self.spread(fresh if fresh.ndim > 1 else fresh.view(1, -1), generator)
        return fresh.add_(self.mean)

    def as_values(self) -> list[float | str]:
        """Its plain values, as a memory keeps them."""
        return [self.mean, self.spread.std, str(self.spread.spread)]

    @classmethod
    def from_values(cls, values: Sequence[float | str]) -> Origin:
        """The inverse of :meth:`as_values`."""
        mean, std, spread = values
        return cls(float(mean), Resembling(float(std), Spread(str(spread))))
