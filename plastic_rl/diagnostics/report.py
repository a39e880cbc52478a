"""The state of a network's hidden layers on a batch, as named numbers.

Names say which definition they are, and shares are between 0 and 1: `units/…` are shares of all hidden units, each by
the definition of :mod:`plastic_rl.diagnostics.units` that fits the layer's kind of activation; `rank/…` is the mean
over layers of each rank as a share of the layer's width, never a number of dimensions, and `weight_rank/…` the same of
the weights that produce a layer; `weights/mean_abs` is over all weights that produce or read hidden units. Files of
runs and tables of results hold these names with these meanings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.diagnostics import rank, units, weights
from plastic_rl.diagnostics.kinds import Kind, Kinds
from plastic_rl.layers import HiddenLayer

# A rank needs no more samples than this; more only cost time.
MOST_SAMPLES = 2048

Ranks = Mapping[str, Callable[[Tensor], Tensor]]

RANKS: Ranks = {
    "rank/effective": rank.effective_rank,
    "rank/srank99": rank.srank,
    "rank/stable": rank.stable_rank,
    "rank/pca99": rank.pca_rank,
}
WEIGHT_RANKS: Ranks = {
    "weight_rank/effective": rank.effective_rank,
    "weight_rank/srank99": rank.srank,
    "weight_rank/stable": rank.stable_rank,
    "weight_rank/pca99": rank.pca_rank,
}


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


def report(
    layers: Sequence[HiddenLayer], forward: Callable[[], Any], kinds: Kinds | None = None, *, thorough: bool = False
) -> dict[str, float]:
    """Units, ranks and weight magnitudes of hidden layers, in all and by layer.

    Args:
        layers: the hidden layers.
        forward: runs the network on the batch to look at; called once, without gradients.
        kinds: of their activations (:func:`plastic_rl.diagnostics.activation_kinds`). Without them only units that are
            exactly 0 count as dead, and nothing is said of saturated and linearised ones.
        thorough: add duplicate units, numerical ranks and the ranks of weights, which take as long as all the rest.
    """
    features = {name: values[:MOST_SAMPLES] for name, values in activations(layers, forward).items()}
    known = kinds or {}
    measured = {name: _of_layer(values, known.get(name, Kind.unknown)) for name, values in features.items()}
    for layer in layers if thorough else ():
        measured[layer.name] |= {**_more_of(features[layer.name]), **_of_weights(layer)}
    width = {name: values.shape[1] for name, values in features.items()}
    numbers = {"weights/mean_abs": weights.mean_magnitude(weights.weights_of(layers)).item()}
    for quantity in dict.fromkeys(name for values in measured.values() for name in values):
        by_layer = {name: values[quantity] for name, values in measured.items() if quantity in values}
        weight = {name: width[name] if quantity.startswith("units/") else 1 for name in by_layer}
        numbers[quantity] = sum(by_layer[name] * weight[name] for name in by_layer) / sum(weight.values())
        numbers.update({f"{quantity}/{name}": value for name, value in by_layer.items()})
    return numbers


def _of_layer(features: Float[Tensor, "samples units"], kind: Kind) -> dict[str, float]:
    marks = {
        "units/dormant": units.dormant(features),
        "units/dead": units.dead(features, kind),
        "units/rarely_active": units.rarely_active(features),
        "units/saturated": units.saturated(features, kind),
        "units/linearised": units.linearised(features, kind),
    }
    shares = {name: mark.float().mean().item() for name, mark in marks.items() if mark is not None}
    return {**shares, **_ranks(RANKS, rank.singular_values(features), features.shape[1])}


def _more_of(features: Float[Tensor, "samples units"]) -> dict[str, float]:
    return {
        "units/duplicate": units.duplicate(features).float().mean().item(),
        "rank/numerical": rank.numerical_rank(features).item() / features.shape[1],
    }


def _of_weights(layer: HiddenLayer) -> dict[str, float]:
    """The ranks of the weights that produce a layer, one row for each output, as shares of the smaller side."""
    weight = layer.produced_by[0].weight.detach().flatten(1).float()
    side = min(weight.shape)
    numerical = rank.numerical_rank(weight).item() / side
    return {**_ranks(WEIGHT_RANKS, rank.singular_values(weight), side), "weight_rank/numerical": numerical}


def _ranks(ranks: Ranks, values: Float[Tensor, " values"], width: int) -> dict[str, float]:
    return {name: of(values).item() / width for name, of in ranks.items()}
