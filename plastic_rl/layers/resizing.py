"""A hidden layer of another width, and all that follows from it for the tensors and modules of its network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from jaxtyping import Int
from torch import Tensor

from plastic_rl.layers.along import Along, Places
from plastic_rl.layers.hidden_layer import HiddenLayer
from plastic_rl.layers.port import Port

# Where modules say how wide they are, and what norms keep of each unit beside their parameters.
OF_ROWS = ("out_features", "out_channels")
OF_COLUMNS = ("in_features", "in_channels")
OF_ENTRIES = ("num_features", "num_channels", "num_groups", "num_parameters")
STATISTICS = ("running_mean", "running_var")


@dataclass(frozen=True, eq=False)
class Resizing:
    """A change of one layer's width, and all that follows from it for tensors of the network's shapes.

    Args:
        layer: the layer; of its old width until :meth:`apply`.
        units: which units stay and which are newborn.
        index: for each port of the layer the places that its units own afterwards.
        changes: for each port the change of its weight.
    """

    layer: HiddenLayer
    units: Along
    index: dict[Port, Int[Tensor, "units positions"]]
    changes: dict[Port, Along]
    _of: dict[int, tuple[Tensor, Along]] = field(default_factory=dict)
    _before: dict[Port, Places] = field(default_factory=dict)
    _followed: set[HiddenLayer] = field(default_factory=set)

    def __post_init__(self) -> None:
        for port, along in self.changes.items():
            self._before[port] = port.index.flatten().sort().values
            for tensor in self._tensors(port):
                self._of[id(tensor)] = (
                    tensor,
                    along if tensor is port.parameter else Along(0, along.source, along.before),
                )

    def _tensors(self, port: Port) -> list[Tensor]:
        """Parameters and statistics that have an entry for each unit at a port."""
        if port in self.layer.read_by:
            return [port.parameter]
        statistics = [port.layer._buffers.get(name) for name in STATISTICS] if port in self.layer.normed_by else []
        return [*port.parameters, *(each for each in statistics if each is not None)]

    @property
    def newborn(self) -> Places:
        """The units that are newborn, as indices into the layer afterwards."""
        return self.units.newborn

    def of(self, parameter: Tensor) -> Along | None:
        """The change of a parameter; None where it stays as it is."""
        known = self._of.get(id(parameter))
        return None if known is None else known[1]

    def parameters(self) -> Iterator[tuple[Tensor, Along]]:
        """All tensors that change, each with how it does."""
        yield from self._of.values()

    def resized(self, parameter: Tensor, value: Tensor, newborn: float | None = 0.0) -> Tensor:
        """The memory of a parameter, a value for each of its entries, in the parameter's new shape.

        Args:
            parameter: of its new shape already.
            value: of its old shape, or of no axis: then it is the same for all entries, and stays.
            newborn: the value for newborn entries; None for what the parameter has there.
        """
        along = self.of(parameter)
        if along is None or not value.ndim:
            return value
        resized = along.of(value, newborn or 0.0)
        if newborn is None:
            places = along.newborn.to(value.device)
            fresh = parameter.detach().index_select(along.axis, places).to(value.dtype)
            resized.index_copy_(along.axis, places, fresh)
        return resized

    def concerns(self, layer: HiddenLayer) -> bool:
        """True if it is the units of this layer that come or go; before or after :meth:`follow`."""
        port = layer.produced_by[0]
        mine = next((each for each in self._before if self._is_same(each, port)), None)
        if mine is None or mine in self.layer.read_by:
            return False
        expected = self.index[mine].flatten().sort().values if layer in self._followed else self._before[mine]
        return torch.equal(port.index.flatten().sort().values, expected)

    @staticmethod
    def _is_same(one: Port, other: Port) -> bool:
        return one.layer is other.layer and one.weight_name == other.weight_name

    # What changes.

    def apply(self) -> None:
        """Gives all parameters, statistics and modules their new sizes: newborn entries are zero."""
        for tensor, along in self._of.values():
            gradient, tensor.grad = tensor.grad, None
            become(tensor, along.of(tensor.data))
            tensor.grad = None if gradient is None else along.of(gradient)
        for port, along in self.changes.items():
            for name in self._names(port):
                if name in vars(port.layer):
                    setattr(port.layer, name, getattr(port.layer, name) + along.added)
        self.follow(self.layer)

    def _names(self, port: Port) -> tuple[str, ...]:
        """The names that the width at a port may have in its module."""
        if port in self.layer.read_by:
            return OF_COLUMNS
        return OF_ENTRIES if port in self.layer.normed_by else OF_ROWS

    def follow(self, layer: HiddenLayer) -> None:
        """Lets a hidden layer of the same network know where its units are now; once, however often it is called.

        Args:
            layer: the one that is resized, another object that stands for it, or one that shares a reader with it.
        """
        if layer in self._followed:
            return
        roles = ((layer.produced_by, False), (layer.normed_by, False), (layer.read_by, True))
        for port, reads in [(port, reads) for ports, reads in roles for port in ports]:
            for mine, along in self.changes.items():
                if self._is_same(mine, port) and (mine in self.layer.read_by) is reads:
                    port.move(self._index(mine, along, port))
        self._followed.add(layer)
        layer.measure()

    def _index(self, mine: Port, along: Along, port: Port) -> Int[Tensor, "units positions"]:
        if torch.equal(port.index.flatten().sort().values, self._before[mine]):
            return self.index[mine]
        return along.moved()[port.index]


def become(tensor: Tensor, values: Tensor) -> None:
    """Gives a tensor that is in use other values, of another shape, and lets autograd know.

    As long as somebody holds an earlier loss, autograd remembers the shape that the tensor had then, and sends back a
    gradient of it; it forgets when the numbers become of another kind.
    """
    other = torch.float32 if tensor.dtype is torch.float64 else torch.float64
    tensor.data = torch.empty(0, dtype=other, device=tensor.device)
    tensor.data = values
