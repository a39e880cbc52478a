"""The parameters and buffers of a network at one moment, so that they can be put back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from plastic_rl.nn.additive.layer import DecomposedLayer
from plastic_rl.nn.additive.private_parts import PrivateParts


@dataclass
class NetworkCopy:
    """All tensors of a network.

    Args:
        weights: those of its decomposed layers.
        private: all others, by name.
    """

    weights: list[Tensor]
    private: dict[str, Tensor]

    @classmethod
    def of(cls, layers: Sequence[DecomposedLayer], parts: PrivateParts) -> NetworkCopy:
        """A copy of what the network has now."""
        return cls([layer.weight.detach().clone() for layer in layers], parts.capture())

    @torch.no_grad()
    def show(self, layers: Sequence[DecomposedLayer], parts: PrivateParts) -> None:
        """Writes all of it into the network."""
        for layer, weight in zip(layers, self.weights, strict=True):
            layer.weight.copy_(weight)
        parts.show(self.private)

    def state_list(self) -> list[Any]:
        """The weights and the private tensors, for a state dict."""
        return [self.weights, self.private]

    @classmethod
    def from_state_list(cls, state: list[Any], layers: Sequence[DecomposedLayer], parts: PrivateParts) -> NetworkCopy:
        """The saved values, on the network's device."""
        weights, private = state
        return cls(
            [saved.to(layer.weight) for layer, saved in zip(layers, weights, strict=True)], parts.placed(private)
        )
