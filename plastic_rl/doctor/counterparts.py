"""The hidden layers of one network in another of the same make, without tracing it anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from plastic_rl.layers import HiddenLayer, Port


def counterparts(layers: Sequence[HiddenLayer], network: nn.Module, other: nn.Module) -> list[HiddenLayer]:
    """The layers of ``other`` at the places that these layers have in ``network``.

    Raises:
        ValueError: the two are not of the same make; the message names the first parameter that differs.
    """
    ours, theirs = ({name: tuple(each.shape) for name, each in net.named_parameters()} for net in (network, other))
    for name in [*ours, *theirs]:
        if ours.get(name) != theirs.get(name):
            raise ValueError(f"not of the same make: {name} has shape {ours.get(name)} and {theirs.get(name)}")
    names = {module: name for name, module in network.named_modules()}

    def moved(ports: Sequence[Port]) -> list[Port]:
        return [replace(port, layer=other.get_submodule(names[port.layer])) for port in ports]

    return [
        HiddenLayer(layer.name, first, moved(layer.read_by), partners, moved(layer.normed_by), other)
        for layer in layers
        for first, *partners in [moved(layer.produced_by)]
    ]
