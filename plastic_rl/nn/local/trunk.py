"""A sequence of blocks, and its activations without anything sent back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from plastic_rl.layers.proof import undisturbed
from plastic_rl.nn.local.blocks import find_blocks

Flat = Float[Tensor, "samples _"]


class Trunk(nn.Module):
    """The blocks of a network, one after the other.

    Args:
        network: an `nn.Sequential`, or the blocks themselves (:func:`plastic_rl.nn.local.find_blocks`).
    """

    def __init__(self, network: nn.Module | Iterable[nn.Module]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(find_blocks(network))

    def activations(self, inputs: Tensor) -> Iterator[Tensor]:
        """The output of each block, in the shape that the next one takes."""
        for block in self.blocks:
            inputs = block(inputs)
            yield inputs

    def forward(self, inputs: Tensor) -> list[Flat]:
        """The flattened activations of each block; the way to them is differentiable throughout."""
        return [features.flatten(1) for features in self.activations(inputs)]

    @torch.no_grad()
    def frozen(self, inputs: Tensor) -> list[Flat]:
        """The flattened activations, detached and in evaluation mode, whatever the mode."""
        modes = [(module, module.training) for module in self.modules()]
        self.eval()
        features = self(inputs)
        for module, mode in modes:
            module.training = mode
        return features

    @torch.no_grad()
    def examples(self, inputs: Tensor) -> list[Tensor]:
        """The output of each block on an example, in evaluation mode; no random numbers are drawn."""
        with undisturbed(self):
            return list(self.activations(inputs))
