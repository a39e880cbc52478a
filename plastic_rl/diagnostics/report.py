"""The state of a network's hidden layers on a batch, as named numbers.

Names say which definition they are, and shares are between 0 and 1: `units/dormant` (ReDo's score at most 0.025) and
`units/dead` (above zero on at most 1 % of the samples) are shares of all hidden units; `rank/…` is the mean over layers
of each rank as a share of the layer's width, never a number of dimensions; `weights/mean_abs` is over all weights that
produce or read hidden units. Files of runs and tables of results hold these names with these meanings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.diagnostics import rank, units, weights
from plastic_rl.layers import HiddenLayer

# A rank needs no more samples than this; more only cost time.
MOST_SAMPLES = 2048


@torch.no_grad()
def activations(layers: Sequence[HiddenLayer], forward: Callable[[], Any]) -> dict[str, Float[Tensor, "samples units"]]:
    """The activations of hidden units while ``forward()`` runs, as their first reader takes them in.

    Samples are the rows of a batch, and for convolutions also the places of an image. A unit that owns several columns
    of its reader counts with their mean magnitude.
    """
    seen: dict[str, Tensor] = {}

    def recorder(layer: HiddenLayer) -> Callable[..., None]:
        port = layer.read_by[0]

        def record(module: Any, *arguments: Any) -> None:
            columns = port.heard(*arguments).detach().movedim(port.axis, -1).flatten(0, -2)
            owned = columns[:, port.index.to(columns.device)]
            seen[layer.name] = owned[..., 0] if owned.shape[2] == 1 else owned.abs().mean(2)

        return record

    handles = [layer.read_by[0].attach(recorder(layer)) for layer in layers]
    try:
        forward()
    finally:
        for handle in handles:
            handle.remove()
    return seen


def report(layers: Sequence[HiddenLayer], forward: Callable[[], Any]) -> dict[str, float]:
    """Dormant and dead units, ranks and weight magnitudes of hidden layers, in all and by layer.

    Args:
        layers: the hidden layers.
        forward: runs the network on the batch to look at; called once, without gradients.
    """
    features = {name: values[:MOST_SAMPLES] for name, values in activations(layers, forward).items()}
    measured = {name: _of_layer(values) for name, values in features.items()}
    width = {name: values.shape[1] for name, values in features.items()}
    numbers = {"weights/mean_abs": weights.mean_magnitude(weights.weights_of(layers)).item()}
    for quantity in next(iter(measured.values()), {}):
        by_layer = {name: values[quantity] for name, values in measured.items()}
        weight = {name: width[name] if quantity.startswith("units/") else 1 for name in width}
        numbers[quantity] = sum(by_layer[name] * weight[name] for name in width) / sum(weight.values())
        numbers.update({f"{quantity}/{name}": value for name, value in by_layer.items()})
    return numbers


def _of_layer(features: Float[Tensor, "samples units"]) -> dict[str, float]:
    values, width = rank.singular_values(features), features.shape[1]
    return {
        "units/dormant": units.dormant(features).float().mean().item(),
        "units/dead": units.dead(features).float().mean().item(),
        "rank/effective": rank.effective_rank(values).item() / width,
        "rank/srank99": rank.srank(values).item() / width,
        "rank/stable": rank.stable_rank(values).item() / width,
        "rank/pca99": rank.pca_rank(values).item() / width,
    }
