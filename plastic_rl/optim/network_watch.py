"""The watch over a network: it must still be the one that its hidden layers were found in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from torch import nn

from plastic_rl.layers import HiddenLayer, reading_layers
from plastic_rl.layers.tracing import tensors_in
from plastic_rl.optim.watching import WatchingHook

AGAIN = "Find the layers again and hand them over: optimizer.reattach(hidden_layers(network, example))"


class NetworkWatch:
    """Notices changes of a network after which a newborn unit of its hidden layers would be heard.

    Those are: a weight or a module that has given way to another one, a layer that was added, and a layer that did not
    run on the example that the hidden layers were found with, and runs now.

    Args:
        layers: the hidden layers.
    """

    def __init__(self, layers: Sequence[HiddenLayer]) -> None:
        self.weights = {layer.name: layer.parameters() for layer in layers}
        networks: list[nn.Module] = list(dict.fromkeys(layer.network for layer in layers if layer.network is not None))
        self.readers = [(network, list(reading_layers(network).values())) for network in networks]
        idle = {(layer.network, name): None for layer in layers for name in layer.idle if layer.network is not None}
        self.witnesses = [Witness(name, network.get_submodule(name)) for network, name in idle]

    def check(self, layers: Sequence[HiddenLayer]) -> None:
        """Finds out whether newborn units of these layers would be silent.

        Raises:
            RuntimeError: they might not be; names what has changed, and says what to do.
        """
        changes = list(dict.fromkeys([*self._replaced_modules(layers), *self._replaced_weights(layers), *self._new()]))
        if changes:
            raise RuntimeError(
                f"the network has changed since its layers were found: {'; '.join(changes)}. A newborn unit would be "
                f"heard. {AGAIN}"
            )
        ran = [f"`{witness.name}`" for witness in self.witnesses if witness.has_run]
        if ran:
            raise RuntimeError(
                f"{', '.join(ran)} did not run on the example that the layers were found with, and runs now: a newborn "
                "unit may be heard there. Find the layers on an example with which it runs, and hand them over "
                "(optimizer.reattach); or, if it reads no hidden unit, name it in hidden_layers(…, ignore=[…])"
            )

    def _replaced_modules(self, layers: Sequence[HiddenLayer]) -> Iterator[str]:
        members = {network: set(network.modules()) for network, _ in self.readers}
        for layer in layers:
            if layer.network is not None:
                gone = [port for port in layer.ports if port.layer not in members[layer.network]]
                yield from (f"`{port.name}` is another module, or gone" for port in gone)

    def _replaced_weights(self, layers: Sequence[HiddenLayer]) -> Iterator[str]:
        for layer in layers:
            written, known = list(layer.written()), {id(tensor) for tensor in self.weights[layer.name]}
            others = [port for port, tensor in written if id(tensor) not in known]
            yield from (f"`{port.name}` has another weight, or computes it from others" for port in others)
            if known - {id(tensor) for _, tensor in written}:
                yield f"weights around the units of `{layer.name}` are gone"

    def _new(self) -> Iterator[str]:
        for network, known in self.readers:
            added = [name for name, module in reading_layers(network).items() if module not in known]
            yield from (f"`{name}` is new" for name in added)

    def remove(self) -> None:
        """Takes the hooks off the network."""
        for witness in self.witnesses:
            witness.remove()


class Witness(WatchingHook):
    """Notices whether a layer is given something that trained layers have made.

    Args:
        name: of the layer.
        layer: the module.
    """

    def __init__(self, name: str, layer: nn.Module) -> None:
        self.name, self.has_run = name, False
        self._handle = layer.register_forward_pre_hook(self, with_kwargs=True)

    def __call__(self, module: nn.Module, args: Iterable[Any], named: dict[str, Any]) -> None:
        given = tensors_in([*args, *named.values()])
        self.has_run |= any(tensor.requires_grad and not tensor.is_leaf for tensor in given)

    def remove(self) -> None:
        """Takes the hook off."""
        self._handle.remove()
