"""A group of hidden units, and the places where it meets the weights of a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from plastic_rl.layers import kinds
from plastic_rl.layers.port import Port


@dataclass(frozen=True, eq=False)
class HiddenLayer:
    """A group of units that can only be replaced together: one output of every producer, columns of every reader.

    Written by hand it is ``HiddenLayer("fc1", net.fc1, [net.fc2])``; :func:`plastic_rl.layers.hidden_layers` finds all
    of them. A layer may be read by several others (a shared trunk), and several layers may produce the same units (all
    that is added into a residual stream): then ``partners`` holds the further producers.

    Args:
        name: the first producer's place in the network.
        layer: the module whose outputs the units are, or a port that says which of its rows.
        readers: the modules that read the units, or ports that say which columns.
        partners: further producers, whose outputs are added to those of ``layer`` or gate them.
        norms: normalisation layers between producers and readers, with entries per unit; `nn.PReLU` too.
        network: the module that the layer was found in; None for a layer written by hand.
        idle: names of layers of the network that did not run on the example: they may read units unnoticed.
        flow: for each layer of the network that did, the names of the layers and norms that its outputs reach next;
            none for a head. Empty for a layer written by hand.

    Raises:
        ValueError: when a reader's columns cannot be shared out among the units.
    """

    name: str
    layer: nn.Module | Port
    readers: Sequence[nn.Module | Port]
    partners: Sequence[nn.Module | Port] = ()
    norms: Sequence[nn.Module | Port] = ()
    network: nn.Module | None = None
    idle: Sequence[str] = ()
    flow: Mapping[str, Sequence[str]] = field(default_factory=dict)
    units: int = field(init=False)
    produced_by: tuple[Port, ...] = field(init=False)
    read_by: tuple[Port, ...] = field(init=False)
    normed_by: tuple[Port, ...] = field(init=False)
    _widths: list[int] = field(init=False)

    def __post_init__(self) -> None:
        units = len(self.layer.index) if isinstance(self.layer, Port) else kinds.outputs(self.layer)
        object.__setattr__(self, "units", units)
        first = [self.layer] if isinstance(self.layer, Port) else kinds.rows(self.name, self.layer)
        partners = [port for place, end in enumerate(self.partners) for port in self._rows(place, end)]
        object.__setattr__(self, "produced_by", (*first, *partners))
        readers = [self._columns("readers", place, end) for place, end in enumerate(self.readers)]
        object.__setattr__(self, "read_by", (*readers, *self._own_columns()))
        norms = [self._columns("norms", place, end) for place, end in enumerate(self.norms)]
        object.__setattr__(self, "normed_by", tuple(norms))
        if not self.readers:
            raise ValueError(f"`{self.name}` has no reader: only units that another layer reads can be replaced")
        self.measure()

    def _rows(self, place: int, end: nn.Module | Port) -> list[Port]:
        name = f"{self.name}.partners[{place}]"
        return [end] if isinstance(end, Port) else kinds.rows(name, end, self._share(name, end, kinds.outputs(end)))

    def _columns(self, role: str, place: int, end: nn.Module | Port) -> Port:
        if isinstance(end, Port):
            return end
        name = f"{self.name}.{role}[{place}]"
        index = self._share(name, end, kinds.inputs(end))
        return Port(name, end, index) if role == "norms" else kinds.columns(name, end, index)

    def _own_columns(self) -> list[Port]:
        """Those of a recurrent layer that was given as a module."""
        if isinstance(self.layer, Port):
            return []
        return kinds.own_columns(self.name, self.layer, torch.arange(self.units)[:, None])

    def _share(self, name: str, end: nn.Module, width: int) -> Tensor:
        """Shares the places of a layer out among the units, evenly and in order."""
        if width % self.units:
            raise ValueError(
                f"`{self.name}` has {self.units} units but {name} ({type(end).__name__}) has {width} places for them; "
                "give a Port that says which of them each unit owns"
            )
        return torch.arange(width).view(self.units, -1)

    def measure(self) -> None:
        """Takes note of how many units there are, and of how wide all is around them."""
        object.__setattr__(self, "units", len(self.produced_by[0].index))
        object.__setattr__(self, "_widths", self._measured())

    @property
    def is_current(self) -> bool:
        """True if all around the units is as wide as it was when the layer was found, or last resized."""
        return self._measured() == self._widths

    def _measured(self) -> list[int]:
        along_rows = [(port, port.row_axis) for port in self.produced_by]
        lengths = [(port.parameter, axis) for port, axis in along_rows]
        lengths += [(port.parameter, port.column_axis) for port in self.read_by]
        counted = [tensor.numel() if axis is None else tensor.shape[axis] for tensor, axis in lengths]
        return counted + [tensor.numel() for port in self.normed_by for tensor in port.parameters]

    @property
    def is_audible(self) -> bool:
        """True if a norm that mixes units lies between, so that even a unit nobody reads moves the others."""
        return any(kinds.mixes(port.layer) for port in self.normed_by)

    def written(self, *, reader_biases: bool = False) -> Iterator[tuple[Port, Tensor]]:
        """The parameters that a replacement of units writes to, each with the port that it is part of.

        Args:
            reader_biases: count the biases of the readers, into which the mean of what a unit did may be moved.
        """
        for port in (*self.produced_by, *self.normed_by):
            yield from ((port, tensor) for tensor in port.parameters)
        for port in self.read_by:
            yield port, port.parameter
            if reader_biases and port.bias is not None:
                yield port, port.bias

    def parameters(self, *, reader_biases: bool = False) -> list[Tensor]:
        """The parameters that a replacement of units writes to, each once."""
        written = self.written(reader_biases=reader_biases)
        return list({id(tensor): tensor for _, tensor in written}.values())

    def trained_parameters(self, *, reader_biases: bool = False) -> list[Tensor]:
        """Those of :meth:`parameters` that learn by gradients; a :class:`plastic_rl.layers.SolvedLinear` does not."""
        written = self.written(reader_biases=reader_biases)
        return list({id(t): t for port, t in written if not isinstance(port.layer, kinds.SolvedLinear)}.values())

    @property
    def ports(self) -> tuple[Port, ...]:
        """All places where the units meet weights or norms."""
        return (*self.produced_by, *self.normed_by, *self.read_by)

    def __repr__(self) -> str:
        producers = " + ".join(port.name for port in self.produced_by)
        return f"HiddenLayer({producers}: {self.units} units -> {', '.join(port.name for port in self.read_by)})"
