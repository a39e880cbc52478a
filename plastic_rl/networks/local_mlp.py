"""The perceptron of local training: blocks that are normalised, and no output layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from plastic_rl.networks.normalization import normalization_of


class LocalMLP(nn.Sequential):
    """Blocks of a linear layer, a normalisation without weights and ReLU (Ma et al. 2020, their code's dense blocks).

    Initialised as torch does by default. Batch normalisation is the authors'; layer normalisation takes batches of one,
    and does the same when it learns and when it is asked.

    Args:
        shape: of one input; it is flattened.
        widths: units of each block.
        normalization: "batch" or "layer".
        activation: what follows it.

    Raises:
        ValueError: there is no block, a width below 1, or no normalisation of that name.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        widths: Sequence[int],
        *,
        normalization: str = "batch",
        activation: type[nn.Module] = nn.ReLU,
    ) -> None:
        if not widths or min(*shape, *widths) < 1:
            raise ValueError(f"blocks of at least one unit are expected, got widths {list(widths)} for inputs {shape}")
        layers: list[nn.Module] = [nn.Flatten()] if len(shape) > 1 else []
        for inputs, units in pairwise([math.prod(shape), *widths]):
            layers += [nn.Linear(inputs, units), normalization_of(units, normalization), activation()]
        super().__init__(*layers)

    def forward(self, input: Float[Tensor, "batch *shape"]) -> Float[Tensor, "batch units"]:
        """The features of the last block."""
        return super().forward(input)
