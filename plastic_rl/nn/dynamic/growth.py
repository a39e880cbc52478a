"""More slots: twice as many each time, so that each unit ever born pays for a bounded number of copies."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Int
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.nn.dynamic.network import DynamicNetwork
from plastic_rl.nn.dynamic.slots import Slots


@dataclass(frozen=True)
class Move:
    """The move of all that belongs to units into more slots.

    Args:
        before: the slots that there were.
        after: the slots that there will be.
    """

    before: Slots
    after: Slots

    @property
    def _columns(self) -> Int[Tensor, " sources"]:
        units = self.before.moved(self.after.each)
        return torch.cat([torch.arange(self.before.first), self.before.first + units])

    def units(self, values: Tensor, fill: float = 0.0) -> Tensor:
        """Numbers of units, along the last axis."""
        moved = values.new_full((*values.shape[:-1], self.after.units), fill)
        moved[..., self.before.moved(self.after.each).to(values.device)] = values
        return moved

    def readout(self, values: Tensor, fill: float = 0.0) -> Tensor:
        """Numbers of what outputs read, along the last axis."""
        moved = values.new_full((*values.shape[:-1], self.after.sources), fill)
        moved[..., self._columns.to(values.device)] = values
        return moved

    def weights(self, values: Tensor, level: int, fill: float = 0.0) -> Tensor:
        """Numbers of a level's incoming weights, or of its slots where the last axis is of length 1."""
        is_of_rows = values.shape[-1] == 1
        width = 1 if is_of_rows else self.after.below(level)
        moved = values.new_full((values.shape[0], self.after.each, width), fill)
        columns = torch.zeros(1, dtype=torch.int64) if is_of_rows else self._columns[: self.before.below(level)]
        moved[:, : self.before.each, columns.to(values.device)] = values
        return moved


@torch.no_grad()
def grow(network: DynamicNetwork, optimizer: Optimizer | None = None) -> Move:
    """Doubles the slots of each level; outputs stay as they are, and so do units: they get other numbers.

    Args:
        network: that grows. Its parameters stay the same objects.
        optimizer: of its incoming weights; state of a weight's shape moves along. None for none.

    Returns:
        The move, for whoever keeps more numbers of units.
    """
    move = Move(network.slots, replace(network.slots, each=2 * network.slots.each))
    network.slots = move.after
    for level, parameter in enumerate(network.weights):
        before = parameter.shape
        parameter.data = move.weights(parameter, level)
        parameter.grad = None
        setattr(network, f"connected{level}", move.weights(network.connected(level), level))
        if optimizer is not None:
            _move_state(optimizer, parameter, before, move, level)
    network.readout.data = move.readout(network.readout)
    for name, values in list(network.unit_tensors()):
        setattr(network, name, move.units(values))
    _move_masters(network, move)
    return move


def _move_state(optimizer: Optimizer, parameter: Tensor, before: torch.Size, move: Move, level: int) -> None:
    for name, value in optimizer.state[parameter].items():
        if isinstance(value, Tensor) and value.shape in (before, (*before[:-1], 1)):
            fill = 1.0 if name == "pace" else 0.0
            optimizer.state[parameter][name] = move.weights(value, level, fill)


def _move_masters(network: DynamicNetwork, move: Move) -> None:
    """Masters are numbered: outputs, then units, whose numbers have changed."""
    outputs, master = network.outputs, network.master
    moved = move.before.moved(move.after.each).to(master.device)
    is_unit = master >= outputs
    network.master = torch.where(is_unit, outputs + moved[(master - outputs).clamp(min=0)], master)
    power = network.error_power
    network.error_power = torch.cat([power[:, :outputs], move.units(power[:, outputs:])], -1)
