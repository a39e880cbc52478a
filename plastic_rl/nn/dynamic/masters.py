"""Masters: the one unit, an output or a unit of the backbone, for which a fringe unit is tried out.

The talk names "master units" and does not say what they are. Our reading: a master gives its fringe units their
error, their shadow weight and their utility, so that each is judged for one purpose, and the backbone can grow inside
as well as at its outputs. Masters recruit where the error is large and the unit matters.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from plastic_rl.nn.dynamic.network import BACKBONE, DynamicNetwork


def need(network: DynamicNetwork, copy: int) -> Float[Tensor, " masters"]:
    """E[δ_m²] times importance, for all outputs and units: 1 for an output; for a unit its share of the squared error.

    Units that are not of the backbone, and those of the lowest level, which read no units, are no masters.
    """
    power, outputs = network.error_power[copy], network.outputs
    total = power[:outputs].sum().clamp(min=1e-30)
    importance = (network.utility[copy] / total).clamp(0, 1) * (network.role[copy] == BACKBONE)
    importance[: network.slots.each] = 0.0
    return torch.cat([power[:outputs], power[outputs:] * importance])


def choose_masters(network: DynamicNetwork, copy: int, births: int, draws: Generator) -> tuple[list[int], list[int]]:
    """A master for each newborn, drawn in proportion to its need, and a level below it, drawn evenly.

    No level is drawn that has no backbone unit just below: it would read what lower ones can.

    Args:
        network: that they join.
        copy: which of the networks side by side.
        births: how many are born.
        draws: of that copy.
    """
    if network.has_one_master:
        return [0] * births, [0] * births
    chances = need(network, copy).double().cpu()
    chances[: network.outputs] += 1e-12  # outputs without any error are as good as each other
    # One number a birth, so that draws do not depend on how many slots are free.
    drawn = torch.rand(births, generator=draws, dtype=torch.float64) * chances.sum()
    masters: list[int] = torch.searchsorted(chances.cumsum(0), drawn, right=True).tolist()
    depth = _depth(network, copy)
    levels = [min(_ceiling(network, master), depth) for master in masters]
    return masters, [int(torch.randint(level + 1, (1,), generator=draws)) for level in levels]


def _ceiling(network: DynamicNetwork, master: int) -> int:
    if master < network.outputs:
        return network.slots.levels - 1
    return network.slots.place(master - network.outputs)[0] - 1


def _depth(network: DynamicNetwork, copy: int) -> int:
    """The number of levels, from the lowest, that have a backbone unit."""
    is_used = (network.role[copy] == BACKBONE).view(network.slots.levels, -1).any(1).tolist()
    return is_used.index(False) if False in is_used else len(is_used)
