"""The order of a network's layers, counted from its outputs: which layers read which, and how far the last is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from torch import Tensor, nn

from plastic_rl.layers import kinds
from plastic_rl.layers.hidden_layer import HiddenLayer


@dataclass(frozen=True, eq=False)
class LayerOrder:
    """The layers of one network or several, by the longest way to an output: the heads of all branches are at 1.

    Args:
        readers: for each layer those that read its units; none of a head.
        norms: for each layer the normalisation layers that its units pass.
        networks: those that the layers were found in.
    """

    readers: dict[nn.Module, list[nn.Module]] = field(default_factory=dict)
    norms: dict[nn.Module, list[nn.Module]] = field(default_factory=dict)
    networks: tuple[nn.Module, ...] = ()

    def places(self) -> dict[nn.Module, int]:
        """The place of each layer: 1 for a head, one more than the farthest of its readers for any other.

        Raises:
            ValueError: a layer reads, by way of others, what it produced itself.
        """
        known: dict[nn.Module, int] = {}
        for layer in self.readers:
            self._place(layer, known, [])
        return known

    def _place(self, layer: nn.Module, known: dict[nn.Module, int], above: list[nn.Module]) -> int:
        if layer in above:
            raise ValueError(
                f"the network has no last layer: {type(layer).__name__} reads what comes of its own outputs"
            )
        if layer not in known:
            behind = (self._place(reader, known, [*above, layer]) for reader in self.readers[layer])
            known[layer] = 1 + max(behind, default=0)
        return known[layer]

    def last(self, count: int) -> list[nn.Module]:
        """The last layers of every branch, so many deep."""
        return [layer for layer, place in self.places().items() if place <= count]

    def name(self, module: nn.Module) -> str:
        """The place of a module in its network, as messages give it; its kind where the network is not known."""
        names = [name for network in self.networks for name, each in network.named_modules() if each is module]
        return f"`{names[0]}`" if names else f"a {type(module).__name__}"

    def vectors(self) -> list[Tensor]:
        """The vectors and numbers that networks hold outside of their layers: a Gaussian policy's log deviation."""
        held = (each for network in self.networks for each in network.parameters(recurse=False))
        return [each for each in held if each.ndim < 2]


def layer_order(layers: Sequence[HiddenLayer]) -> LayerOrder:
    """The order of all layers of the networks of hidden layers; of layers written by hand, of what they name.

    Args:
        layers: hidden layers, as :func:`plastic_rl.layers.hidden_layers` finds them, or all of a network by hand.
    """
    order = LayerOrder(networks=tuple(dict.fromkeys(each.network for each in layers if each.network is not None)))
    for layer in layers:
        for source, target in _ways(layer):
            _extend(order, source, target)
    return order


def _ways(layer: HiddenLayer) -> Iterator[tuple[nn.Module, list[nn.Module]]]:
    """Each layer with what its units reach next, layers and norms."""
    if layer.network is not None:
        modules = dict(layer.network.named_modules())
        for name, reached in layer.flow.items():
            yield modules[name], [modules[each] for each in reached]
    behind = _unique(port.layer for port in (*layer.read_by, *layer.normed_by))
    norms = _unique(port.layer for port in layer.normed_by)
    for producer in _unique(port.layer for port in layer.produced_by):
        yield producer, norms if layer.flow else behind
    if not layer.flow:
        yield from ((reader, []) for reader in _unique(port.layer for port in layer.read_by))


def _extend(order: LayerOrder, source: nn.Module, reached: list[nn.Module]) -> None:
    is_norm = {each: isinstance(each, kinds.NORMS) or not isinstance(each, kinds.LAYERS) for each in reached}
    for known, found in ((order.readers, False), (order.norms, True)):
        others = [each for each in reached if is_norm[each] is found and each is not source]
        known[source] = _unique([*known.get(source, []), *others])


def _unique(modules: Iterable[nn.Module]) -> list[nn.Module]:
    return list(dict.fromkeys(modules))
