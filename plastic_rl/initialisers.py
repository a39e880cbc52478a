"""How fresh weights are drawn: explicit initialisers, and one that resembles the weights a layer has."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Generator, Tensor, nn

# A uniform variable never exceeds √3 standard deviations; the margin allows for the sample's own spread.
UNIFORM_REACH = 1.05 * math.sqrt(3)


@runtime_checkable
class Initialiser(Protocol):
    """Fills a tensor of shape (units, *inputs) in place with fresh weights."""

    def __call__(self, tensor: Tensor, generator: Generator | None = None) -> Tensor:
        """Fills and returns ``tensor``, drawing from ``generator``."""
        ...


def fan_in(tensor: Tensor) -> int:
    """How many inputs each unit of a weight of shape (units, *inputs) reads."""
    return math.prod(tensor.shape[1:])


@torch.no_grad()
def lecun_uniform_(tensor: Tensor, generator: Generator | None = None) -> Tensor:
    """LeCun's uniform initialisation: U(-b, b) with b = √(3 / fan-in), a variance of 1 / fan-in.

    What Dohare et al. (2024) use for all of their reinforcement-learning networks.
    """
    bound = math.sqrt(3 / fan_in(tensor))
    return tensor.uniform_(-bound, bound, generator=generator)


@torch.no_grad()
def initialise_(network: nn.Module, initialiser: Initialiser) -> nn.Module:
    """Redraws the weights of all linear and convolutional layers of a network and sets their biases to zero."""
    for module in network.modules():
        weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
        if isinstance(weight, nn.Parameter) and weight.ndim > 1:
            initialiser(weight)
            if bias is not None:
                bias.zero_()
    return network


@dataclass(frozen=True)
class Resembling:
    """Draws weights of the same spread and kind as those it was fitted to.

    Args:
        std: the standard deviation.
        uniform: whether the weights were uniform (nothing beyond √3 standard deviations) rather than normal.
    """

    std: float
    uniform: bool

    @classmethod
    def of(cls, weight: Tensor) -> Resembling:
        """Fits to a freshly initialised weight, whose mean is taken to be zero."""
        std = weight.detach().square().mean().sqrt().item()
        return cls(std, weight.detach().abs().max().item() <= UNIFORM_REACH * std)

    @torch.no_grad()
    def __call__(self, tensor: Tensor, generator: Generator | None = None) -> Tensor:
        if not self.uniform:
            return tensor.normal_(0, self.std, generator=generator)
        bound = math.sqrt(3) * self.std
        return tensor.uniform_(-bound, bound, generator=generator)
