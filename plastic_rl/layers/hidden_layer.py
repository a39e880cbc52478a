"""A group of hidden units, and the places where it meets the weights of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

# The axis of a layer's input along which its columns lie; negative, so that it holds with and without a batch.
COLUMN_AXIS: dict[type[nn.Module], int] = {nn.Linear: -1, nn.Conv1d: -2, nn.Conv2d: -3, nn.Conv3d: -4}

# Norms whose statistics mix units: a unit that nobody reads is still heard through them.
MIXING_NORMS = (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


def column_axis(layer: nn.Module) -> int:
    """The axis of the input of ``layer`` along which the columns of its weight lie.

    Raises:
        ValueError: when the layer is neither linear nor a convolution.
    """
    for kind, axis in COLUMN_AXIS.items():
        if isinstance(layer, kind):
            return axis
    known = ", ".join(kind.__name__ for kind in COLUMN_AXIS)
    raise ValueError(f"a reader must be one of {known}; got {type(layer).__name__}")


@dataclass(frozen=True, eq=False)
class Port:
    """Where a group of units meets one layer: unit ``i`` owns the rows, columns or entries ``index[i]``.

    A row is an entry of the first axis of the layer's weight and bias (what the layer produces), a column one of the
    second (what it reads). After ``conv → flatten → linear`` a unit owns several columns of the linear layer.

    Args:
        name: where the layer is in the network.
        layer: the module.
        index: for each unit the positions that it owns, of shape (units, positions).
    """

    name: str
    layer: nn.Module
    index: Int[Tensor, "units positions"]

    @property
    def weight(self) -> Tensor:
        """The weight of the layer."""
        weight = self.layer.weight
        assert isinstance(weight, Tensor)
        return weight

    @property
    def bias(self) -> Tensor | None:
        """The bias of the layer, if it has one."""
        return getattr(self.layer, "bias", None)

    def positions(self, units: Int[Tensor, " k"]) -> Int[Tensor, " k_positions"]:
        """The positions that the given units own, in one vector."""
        return self.index.to(units.device)[units].flatten()

    def per_unit(self, columns: Float[Tensor, " columns"]) -> Float[Tensor, " units"]:
        """Sums a quantity of the columns over the columns that each unit owns."""
        return columns if self._is_identity else columns[self.index.to(columns.device)].sum(1)

    @cached_property
    def _is_identity(self) -> bool:
        return self.index.tolist() == [[column] for column in range(self.weight.shape[1])]


@dataclass(frozen=True, eq=False)
class HiddenLayer:
    """A group of units that can only be replaced together: one output of every producer, columns of every reader.

    Written by hand it is ``HiddenLayer("fc1", net.fc1, [net.fc2])``; :func:`plastic_rl.layers.hidden_layers` finds all
    of them. A layer may be read by several others (a shared trunk), and several layers may produce the same units (all
    that is added into a residual stream): then ``partners`` holds the further producers.

    Args:
        name: the first producer's place in the network.
        layer: the module whose outputs the units are.
        readers: the modules that read the units, or ports that say which columns.
        partners: further producers, whose outputs are added to those of ``layer``.
        norms: normalisation layers between producers and readers, with entries per unit.

    Raises:
        ValueError: when a reader's columns cannot be shared out among the units.
    """

    name: str
    layer: nn.Module
    readers: Sequence[nn.Module | Port]
    partners: Sequence[nn.Module | Port] = ()
    norms: Sequence[nn.Module | Port] = ()
    units: int = field(init=False)

    def __post_init__(self) -> None:
        weight = self.layer.weight
        assert isinstance(weight, Tensor)
        object.__setattr__(self, "units", weight.shape[0])
        for role, axis in (("readers", 1), ("partners", 0), ("norms", 0)):
            ports = tuple(self._port(role, place, end, axis) for place, end in enumerate(getattr(self, role)))
            object.__setattr__(self, role, ports)
        if not self.readers:
            raise ValueError(f"`{self.name}` has no reader: only units that another layer reads can be replaced")

    def _port(self, role: str, place: int, end: nn.Module | Port, axis: int) -> Port:
        if isinstance(end, Port):
            return end
        weight = end.weight
        assert isinstance(weight, Tensor)
        width = weight.shape[axis]
        if width % self.units:
            raise ValueError(
                f"`{self.name}` has {self.units} units but {role}[{place}] ({type(end).__name__}) has {width} "
                f"{'columns' if axis else 'rows'}; give a Port that says which of them each unit owns"
            )
        return Port(f"{self.name}.{role}[{place}]", end, torch.arange(width).view(self.units, -1))

    @property
    def read_by(self) -> tuple[Port, ...]:
        """The ports of the readers."""
        return tuple(port for port in self.readers if isinstance(port, Port))

    @property
    def produced_by(self) -> tuple[Port, ...]:
        """The ports of all producers, the first one first."""
        own = Port(self.name, self.layer, torch.arange(self.units).view(-1, 1))
        return (own, *(port for port in self.partners if isinstance(port, Port)))

    @property
    def normed_by(self) -> tuple[Port, ...]:
        """The ports of the norms between producers and readers."""
        return tuple(port for port in self.norms if isinstance(port, Port))

    @property
    def is_audible(self) -> bool:
        """Whether a norm that mixes units lies between, so that even a unit nobody reads moves the others."""
        return any(isinstance(port.layer, MIXING_NORMS) for port in self.normed_by)

    def parameters(self) -> list[Tensor]:
        """The parameters that a replacement of units writes to."""
        ports = (*self.produced_by, *self.normed_by)
        written = [tensor for port in ports for tensor in (port.weight, port.bias) if tensor is not None]
        return written + [port.weight for port in self.read_by]

    def __repr__(self) -> str:
        producers = " + ".join(port.name for port in self.produced_by)
        return f"HiddenLayer({producers}: {self.units} units -> {', '.join(port.name for port in self.read_by)})"
