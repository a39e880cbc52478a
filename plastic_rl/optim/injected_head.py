"""The head of a network, three of which shall run side by side: its layers, its ends, and what stands against it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from torch import nn

from plastic_rl.layers import HiddenLayer, LayerOrder, has_slopes, is_dropout, mixes_samples, only_weighs
from plastic_rl.optim.injected_layer import own_parameters
from plastic_rl.optim.layer_reset import norms_of

Ends = dict[nn.Module, tuple[bool, bool]]
"""The layers of a head that have weights, norms included, each with whether it is a first one, and a last one."""


def ends_of_head(order: LayerOrder, last: int) -> Ends:
    """The head that the last layers of every branch make.

    Raises:
        ValueError: a layer reads units from inside and from outside of the head, or makes outputs without hidden units.
    """
    ends = ends_among(order, order.last(last))
    for layer, (is_first, is_last) in ends.items():
        inside = {source in ends for source, readers in order.readers.items() if layer in readers}
        if len(inside) > 1:
            raise ValueError(f"{order.name(layer)} reads units from inside and from outside of the head of last={last}")
        if is_first and is_last:
            raise ValueError(
                f"{order.name(layer)} has no hidden layer of its own to be injected with it, and a fresh linear layer "
                "beside a linear layer adds nothing"
            )
    return ends | dict.fromkeys((norm for norm in norms_of(order, last) if own_parameters(norm)), (False, False))


def ends_among(order: LayerOrder, inside: Collection[nn.Module]) -> Ends:
    """The same of layers of which it is known that they are in the head."""
    behind = {reader for layer in inside for reader in order.readers.get(layer, ())}
    norms = {norm for found in order.norms.values() for norm in found}
    return {
        layer: (layer not in behind | norms, layer not in norms and not order.readers.get(layer)) for layer in inside
    }


def check_head(
    order: LayerOrder, ends: Collection[nn.Module], trained: Collection[int], layers: Sequence[HiddenLayer]
) -> None:
    """Refuses heads of which three cannot run side by side.

    Args:
        order: of the layers.
        ends: the layers of the head, and the norms in it that have weights.
        trained: the identities of what the optimiser trains.
        layers: the hidden layers that were found.

    Raises:
        ValueError: names the layer, and says why.
    """
    for module in (*_between(order, ends), *ends):
        why = _reason_against(order, module, trained, {port.layer for layer in layers for port in layer.produced_by})
        if why is not None:
            raise ValueError(f"{order.name(module)} cannot be injected: {why}")


def _between(order: LayerOrder, ends: Collection[nn.Module]) -> list[nn.Module]:
    """The norms that units pass inside of the head, and what drops them or learns beside layers, wherever that is."""
    modules = (each for network in order.networks for each in network.modules() if is_dropout(each) or has_slopes(each))
    return [*(norm for module in ends for norm in order.norms.get(module, ())), *modules]


def _reason_against(
    order: LayerOrder, module: nn.Module, trained: Collection[int], producing: Collection[nn.Module]
) -> str | None:
    is_layer = module in order.readers
    if has_slopes(module):
        return "its slopes learn, and those of the frozen heads would move with them; take another non-linearity"
    if not is_layer and mixes_samples(module):
        return "it treats heads side by side differently, so that the output would jump; take layer norm, or none"
    if is_layer and not only_weighs(module):
        return f"a {type(module).__name__} does more than to weigh its input, or computes its weights"
    if any(id(each) not in trained for each in module.parameters()):
        return "the optimiser does not train it"
    if order.readers.get(module) and module not in producing:
        return "its units reach the output by a way that no layer reads, or are to be left alone"
    return None
