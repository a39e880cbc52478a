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
        exact: the entries themselves, where each has a meaning of its own and none is a draw; empty elsewhere.
    """

    mean: float
    spread: Resembling
    exact: tuple[float, ...] = ()

    @classmethod
    def of(cls, start: Tensor, *, is_exact: bool = False) -> Origin:
        """Fits to a freshly initialised parameter.

        Args:
            start: the parameter.
            is_exact: no entry is a draw, as in a learnt non-linearity (:func:`plastic_rl.layers.coefficients`).
        """
        if is_exact:
            return cls(0.0, Resembling(0.0, Spread.normal), tuple(start.detach().flatten().tolist()))
        if start.ndim > 1:
            return cls(0.0, Resembling.of(start))
        mean = start.detach().mean().item()
        return cls(mean, Resembling.of((start.detach() - mean).view(1, -1)))

    def draw(self, like: Tensor, generator: Generator) -> Tensor:
        """A fresh tensor of the same shape."""
        if self.exact:
            return self.centre(like)
        fresh = torch.empty_like(like)
        self.spread(fresh if fresh.ndim > 1 else fresh.view(1, -1), generator)
        return fresh.add_(self.mean)

    def centre(self, like: Tensor) -> Tensor:
        """The mean of what is drawn, of the same shape."""
        return like.new_tensor(self.exact).view_as(like) if self.exact else torch.full_like(like, self.mean)

    def as_values(self) -> list[float | str]:
        """Its plain values, as a memory keeps them."""
        return [self.mean, self.spread.std, str(self.spread.spread), *self.exact]

    @classmethod
    def from_values(cls, values: Sequence[float | str]) -> Origin:
        """The inverse of :meth:`as_values`."""
        mean, std, spread, *exact = values
        return cls(float(mean), Resembling(float(std), Spread(str(spread))), tuple(float(each) for each in exact))
