"""Operations on single units: birth, adoption by the backbone, return to the fringe, removal.

What each changes of the outputs is exact: nothing at birth; nothing at a silent adoption, and the shadow weight times
the activation where that is adopted; on return the unit's contribution, of which the mean stays.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.nn.dynamic.network import BACKBONE, FREE, FRINGE, DynamicNetwork


@torch.no_grad()
def bear(
    network: DynamicNetwork,
    copy: int,
    units: list[int],
    rows: Float[Tensor, "births below"],
    masters: list[int],
) -> None:
    """Puts new fringe units of one level into slots that nobody reads; the outputs do not change.

    Args:
        network: that they join.
        copy: which of the networks side by side.
        units: the slots, of one level.
        rows: their incoming weights; 0 is no connection, the constant aside.
        masters: for each the one that it is tried out for.
    """
    level, _ = network.slots.place(units[0])
    places = [network.slots.place(unit)[1] for unit in units]
    network.weights[level].data[copy, places] = rows
    network.connected(level)[copy, places] = (rows != 0).to(rows)
    network.connected(level)[copy, places, 0] = 1.0
    for _, values in network.unit_tensors():
        values[copy, units] = 0
    network.role[copy, units] = FRINGE
    network.master[copy, units] = torch.tensor(masters, device=network.master.device)
    network.error_power[copy, [network.outputs + unit for unit in units]] = 0.0


@torch.no_grad()
def adopt(network: DynamicNetwork, copy: int, unit: int, weight: float) -> None:
    """Lets a fringe unit join the backbone: its master reads it with a weight, and all outputs may from now on.

    Args:
        network: whose unit it is.
        copy: which of the networks side by side.
        unit: its number.
        weight: with which its master reads it: 0 is silent.
    """
    source, master = network.slots.first + unit, int(network.master[copy, unit])
    network.role[copy, unit] = BACKBONE
    network.age[copy, unit] = 0
    network.utility[copy, unit] = 0.0
    network.shadow[copy, unit] = 0.0
    if master < network.outputs:
        network.readout.data[copy, master, source] = weight
    else:
        level, slot = network.slots.place(master - network.outputs)
        network.weights[level].data[copy, slot, source] = weight
        network.connected(level)[copy, slot, source] = 1.0


@torch.no_grad()
def withdraw(network: DynamicNetwork, copy: int, unit: int) -> None:
    """Takes a unit out of the backbone, back to the fringe: its mean contribution goes to its readers' constants.

    What its master read it with becomes its shadow weight, so that an adoption with that weight undoes it, constants
    aside.
    """
    source, mean = network.slots.first + unit, network.mean[copy, unit].clone()
    shadow = _reading(network, copy, unit)
    for weights in (network.readout.data, *(each.data for each in network.weights)):
        if source < weights.shape[-1]:
            weights[copy, :, 0] += weights[copy, :, source] * mean
            weights[copy, :, source] = 0.0
    for level in range(network.slots.place(unit)[0] + 1, network.slots.levels):
        network.connected(level)[copy, :, source] = 0.0
    network.role[copy, unit] = FRINGE
    network.age[copy, unit] = 0
    network.gain[copy, unit] = 0.0
    network.shadow[copy, unit] = shadow


def _reading(network: DynamicNetwork, copy: int, unit: int) -> Tensor:
    """The weight with which a unit's master reads it."""
    source, master = network.slots.first + unit, int(network.master[copy, unit])
    if master < network.outputs:
        return network.readout.data[copy, master, source].clone()
    level, slot = network.slots.place(master - network.outputs)
    return network.weights[level].data[copy, slot, source].clone()


@torch.no_grad()
def remove(network: DynamicNetwork, copy: int, units: list[int]) -> None:
    """Makes the slots of fringe units free."""
    for unit in units:
        level, slot = network.slots.place(unit)
        network.weights[level].data[copy, slot] = 0.0
        network.connected(level)[copy, slot] = 0.0
    for _, values in network.unit_tensors():
        values[copy, units] = 0
    network.role[copy, units] = FREE
