"""The measures of a hidden layer: of the network in question and of a fresh one alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.diagnostics import (
    Flatness,
    activations,
    dormant,
    effective_rank,
    flatness,
    mean_magnitude,
    singular_values,
)
from plastic_rl.layers import HiddenLayer

# A rank needs no more samples than this; more only cost time.
MOST_SAMPLES = 2048


@dataclass(frozen=True)
class Figures:
    """The state of one layer.

    Args:
        dead: the share of units that no gradient passes and that give nothing; None where the activation is unknown.
        saturated: the share of units that no gradient passes and that give something; None as above.
        dormant: the share of units with ReDo's score at most 0.025.
        directions: in how many directions the activations vary: exp of the entropy of the singular values of the
            activations about their mean. `rank/effective` is not about the mean, and sinks in healthy critics, whose
            activations have a large one.
        weights: mean |w| of the weights that produce the layer.
    """

    dead: float | None
    saturated: float | None
    dormant: float
    directions: float
    weights: float


def measure(layers: Sequence[HiddenLayer], forward: Callable[[], Any]) -> dict[str, Figures]:
    """The figures of each layer by its name.

    Args:
        layers: the hidden layers.
        forward: runs the network on the observations to look at; called twice.
    """
    seen, flat = activations(layers, forward), flatness(layers, forward)
    return {layer.name: figures_of(layer, thinned(seen[layer.name]), flat[layer.name]) for layer in layers}


@torch.no_grad()
def figures_of(layer: HiddenLayer, features: Float[Tensor, "samples units"], flat: Flatness | None) -> Figures:
    """The figures of one layer from its activations and from where they are flat."""
    return Figures(
        dead=None if flat is None else _share(flat.dead),
        saturated=None if flat is None else _share(flat.saturated),
        dormant=_share(dormant(features)),
        directions=effective_rank(singular_values(features - features.mean(0))).item(),
        weights=mean_magnitude([port.weight for port in layer.produced_by]).item(),
    )


def thinned(features: Float[Tensor, "samples units"]) -> Float[Tensor, "fewer units"]:
    """Rows at equal distances: of a convolution the places of all images, not those of the first few."""
    return features[:: -(-len(features) // MOST_SAMPLES)]


def mean(figures: Sequence[Figures]) -> Figures:
    """The mean of each figure."""
    return _each(figures, lambda name, values: sum(values) / len(values))


def worst(figures: Sequence[Figures]) -> Figures:
    """The worst of each figure: the fewest directions, and the most of all others."""
    return _each(figures, lambda name, values: min(values) if name == "directions" else max(values))


def _each(figures: Sequence[Figures], of: Callable[[str, list[float]], float]) -> Figures:
    columns = {name: [getattr(each, name) for each in figures] for name in asdict(figures[0])}
    numbers: dict[str, Any] = {name: None if None in each else of(name, each) for name, each in columns.items()}
    return Figures(**numbers)


def _share(units: Tensor) -> float:
    return units.double().mean().item()
