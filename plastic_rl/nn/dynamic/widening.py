"""Wider hidden layers: newborn units that nobody hears yet, in a network and an optimiser that go on as they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator
from torch.optim import Optimizer

from plastic_rl.initialisers import Resembling
from plastic_rl.layers import HiddenLayer, resizing
from plastic_rl.optim.fresh_rows import check_initialiser
from plastic_rl.optim.replacement import replace_units
from plastic_rl.optim.resizing import check_follows, resize_memory, resize_state
from plastic_rl.validation import whole_number


@torch.no_grad()
def widen(
    layer: HiddenLayer,
    units: int,
    optimizer: Optimizer,
    *,
    initialiser: Callable[..., Any] | None = None,
    seed: int | None = None,
) -> None:
    """Adds newborn units to a hidden layer, behind the others; what the network computes stays as it is.

    ::

        optimizer = ContinualBackprop(torch.optim.Adam(network.parameters()), layers)
        widen(layers[0], 8, optimizer)

    The layer, the columns of its readers, the norms between them and all that the optimiser and the methods around it
    remember grow together. Parameters stay the objects that they were, so that the optimiser's groups hold them still.
    Incoming weights of newborn units are drawn, biases are zero, norms at their start; outgoing weights are zero, so
    that nothing but zeros is added to what readers sum up. (They sum up more numbers than before, perhaps in another
    order: in floating point the last bit of an output may change.) Moments begin as in a fresh optimiser
    (:func:`plastic_rl.optim.forgetting.forget`).

    Between two steps, with no backward pass under way. The layer itself, and those that methods of the optimiser hold,
    know of it; others of the same network that share a reader with it have to be found again, and say so.

    Args:
        layer: the layer, from :func:`plastic_rl.layers.hidden_layers`; is of the new width afterwards.
        units: how many are added.
        optimizer: the outermost of all that trains the layer.
        initialiser: draws incoming weights; None resembles those that there are now.
        seed: of the draws; None takes torch's initial seed. The global random-number stream is never touched.

    Raises:
        ValueError: the layer cannot be wider with nothing else changing, or the optimiser or a method cannot follow;
            nothing has been changed then.
    """
    if not whole_number("units", units):
        raise ValueError("units must be 1 or more, got 0")
    change = resizing(layer, born=units)
    check_follows(optimizer, layer, bears=True)
    initialisers = _initialisers(layer, initialiser)
    resize_state(optimizer, change)
    change.apply()
    device = layer.produced_by[0].parameter.device
    source = Generator(device)
    source.manual_seed((torch.initial_seed() if seed is None else seed) % 2**63)
    replace_units(layer, change.newborn.to(device), initialisers, source, optimizer)
    resize_memory(optimizer, change)


def _initialisers(layer: HiddenLayer, initialiser: Callable[..., Any] | None) -> list[Callable[..., Any]]:
    """For each producer how incoming weights of newborn units are drawn; tried before anything is changed."""
    if initialiser is None:
        return [Resembling.of(port.weight) for port in layer.produced_by]
    for port in layer.produced_by:
        check_initialiser(port, initialiser)
    return [initialiser for _ in layer.produced_by]
