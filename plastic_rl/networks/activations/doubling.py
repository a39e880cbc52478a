"""Non-linearities that give two numbers for each unit: a reader hears unit i of n at columns i and i + n."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class CReLU(nn.Module):
    """Concatenated ReLU, [relu(x), relu(-x)] (Shang, Sohn, Almeida, Lee, ICML 2016; Abbas et al., CoLLAs 2023).

    Whatever x is but 0, one of the two has a gradient: no unit is ever dead.
    """

    def forward(self, input: Float[Tensor, "*batch units"]) -> Float[Tensor, "*batch columns"]:
        """The activations, twice as many, along the last axis."""
        return torch.cat([input.relu(), (-input).relu()], -1)


class FourierFeatures(nn.Module):
    """Deep Fourier features, [sin x, cos x] (Lewandowski, Schuurmans, Machado, ICLR 2025, arXiv 2410.20634).

    Where one of the two is flat the other is steep, so that each unit is always close to a linear one.
    """

    def forward(self, input: Float[Tensor, "*batch units"]) -> Float[Tensor, "*batch columns"]:
        """The activations, twice as many, along the last axis."""
        return torch.cat([input.sin(), input.cos()], -1)
