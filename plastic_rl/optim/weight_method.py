"""The base of methods that look at the weights between layers, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, LinearMap, linear_maps
from plastic_rl.optim.base import PlasticOptimizer
from plastic_rl.optim.stacked.seed_by_seed import SeedBySeed


class WeightMethod(PlasticOptimizer):
    """Knows which of the optimiser's parameters are weights, and which bias belongs to which.

    Its memory, if it has any, holds lists of tensors, one for each weight.

    Args:
        optimizer: what moves the parameters.
        layers: hidden layers of the network, which say who belongs to whom; without them shapes and order do
            (:func:`plastic_rl.layers.linear_maps`).
    """

    vectorized = SeedBySeed

    def __init__(self, optimizer: Optimizer, layers: Sequence[HiddenLayer] = ()) -> None:
        super().__init__(optimizer)
        self.find(layers)

    maps: Sequence[LinearMap] = ()

    def find(self, layers: Sequence[HiddenLayer]) -> None:
        """Finds the weights that the method is about."""
        self.maps = linear_maps(self.trained, layers)

    def reattach(self, layers: Sequence[HiddenLayer]) -> None:
        super().reattach(layers)
        self.find(layers)

    def known(self, name: str) -> dict[int, Tensor]:
        """The part of the memory under a name, a tensor for each weight, by the identity of the weight."""
        return {id(each.weight): value for each, value in zip(self.maps, self.memory.get(name, ()), strict=True)}

    @torch.no_grad()
    def load_memory(self, memory: dict[str, Any]) -> None:
        for name, own in self.memory.items():
            for tensor, saved in zip(own, memory[name], strict=True):
                tensor.copy_(saved)
