"""Draws of fresh weights: explicit initialisers, and one that resembles the weights a layer has."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

import torch
from torch import Generator, Tensor, nn

# A uniform variable never exceeds √3 standard deviations; the margin allows for the sample's own spread.
UNIFORM_REACH = 1.05 * math.sqrt(3)

# Rows whose lengths differ by less than this share were made equally long.
EQUAL_LENGTH = 1e-3


@runtime_checkable
class Initialiser(Protocol):
    """Fills a tensor of shape (units, *inputs) in place with fresh weights."""

    def __call__(self, tensor: Tensor, generator: Generator | None = None) -> Tensor:
        """Fills and returns ``tensor``, drawing from ``generator``."""
        ...


def fan_in(tensor: Tensor) -> int:
    """The number of inputs that each unit of a weight of shape (units, *inputs) reads."""
    return math.prod(tensor.shape[1:])


@torch.no_grad()
def lecun_uniform_(tensor: Tensor, generator: Generator | None = None) -> Tensor:
    """LeCun's uniform initialisation: U(-b, b) with b = √(3 / fan-in), a variance of 1 / fan-in.

    What Dohare et al. (2024) use for all of their reinforcement-learning networks.
    """
    bound = math.sqrt(3 / fan_in(tensor))
    return tensor.uniform_(-bound, bound, generator=generator)


@torch.no_grad()
def torch_default_(tensor: Tensor, generator: Generator | None = None) -> Tensor:
    """Torch's own initialisation of linear and convolutional layers: U(-b, b) with b = √(1 / fan-in)."""
    bound = math.sqrt(1 / fan_in(tensor))
    return tensor.uniform_(-bound, bound, generator=generator)


@torch.no_grad()
def kaiming_uniform_(tensor: Tensor, generator: Generator | None = None) -> Tensor:
    """Kaiming's uniform initialisation for ReLU: U(-b, b) with b = √(6 / fan-in), a variance of 2 / fan-in."""
    bound = math.sqrt(6 / fan_in(tensor))
    return tensor.uniform_(-bound, bound, generator=generator)


@torch.no_grad()
def kaiming_normal_(tensor: Tensor, generator: Generator | None = None) -> Tensor:
    """Kaiming's normal initialisation for ReLU: N(0, 2 / fan-in). What the paper's ResNet-18 uses."""
    return tensor.normal_(0, math.sqrt(2 / fan_in(tensor)), generator=generator)


@torch.no_grad()
def orthogonal_row_(tensor: Tensor, generator: Generator | None = None, *, gain: float = math.sqrt(2)) -> Tensor:
    """Rows of length ``gain`` in random directions: how one row of an orthogonal matrix is distributed (SB3's PPO)."""
    return scale_rows(tensor.normal_(generator=generator), gain)


def scale_rows(tensor: Tensor, length: float) -> Tensor:
    """Gives each row of a tensor of shape (units, *inputs) the same length, in place."""
    norms = tensor.flatten(1).norm(dim=1).clamp(min=torch.finfo(tensor.dtype).tiny)
    return tensor.mul_((length / norms).view(-1, *[1] * (tensor.ndim - 1)))


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


class Spread(StrEnum):
    """The spread of fresh weights."""

    uniform = "uniform"  # torch's default, LeCun, Kaiming and Xavier uniform
    normal = "normal"  # Kaiming and Xavier normal
    sphere = "sphere"  # every row of the same length: orthogonal initialisation of a layer that does not widen


@dataclass(frozen=True)
class Resembling:
    """Draws weights of the same size and spread as those it was fitted to.

    Args:
        std: the standard deviation.
        spread: how the weights were spread.
    """

    std: float
    spread: Spread

    @classmethod
    def of(cls, weight: Tensor) -> Resembling:
        """Fits to a freshly initialised weight of shape (units, *inputs), whose mean is taken to be zero."""
        weight = weight.detach().float()
        std = weight.square().mean().sqrt().item()
        lengths = weight.flatten(1).norm(dim=1)
        if len(lengths) > 1 and (lengths.max() - lengths.min()).item() <= EQUAL_LENGTH * lengths.max().item():
            return cls(std, Spread.sphere)
        return cls(std, Spread.uniform if weight.abs().max().item() <= UNIFORM_REACH * std else Spread.normal)

    @torch.no_grad()
    def __call__(self, tensor: Tensor, generator: Generator | None = None) -> Tensor:
        if self.spread is Spread.uniform:
            bound = math.sqrt(3) * self.std
            return tensor.uniform_(-bound, bound, generator=generator)
        tensor.normal_(0, self.std, generator=generator)
        if self.spread is Spread.sphere:
            scale_rows(tensor, self.std * math.sqrt(fan_in(tensor)))
        return tensor
