"""Sparse initialisation: each unit begins with a few of its inputs.

Elsayed, Vasan, Mahmood, "Streaming deep reinforcement learning finally works", arXiv 2410.14606 (2024), "SparseInit".
"""

from __future__ import annotations

import math

import torch
from torch import nn


@torch.no_grad()
def sparse_init_(layer: nn.Linear, sparsity: float) -> None:
    """Draws weights uniformly within ±1 / √inputs, and sets a share of each unit's to zero; biases are zero.

    A unit keeps one input at least, where the paper's share, rounded up, would leave none of four.

    Args:
        layer: a linear layer.
        sparsity: the share of weights that are zero.
    """
    units, inputs = layer.weight.shape
    bound = math.sqrt(1 / inputs)
    layer.weight.uniform_(-bound, bound)
    zeros = min(math.ceil(sparsity * inputs), inputs - 1)
    for unit in range(units):
        layer.weight[unit, torch.randperm(inputs, device=layer.weight.device)[:zeros]] = 0.0
    if layer.bias is not None:
        layer.bias.zero_()
