"""Gradients of a dynamic network in closed form: one product a level, and nothing leaks from the fringe."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.nn.dynamic.network import DynamicNetwork, ForwardTrace

Credit = Float[Tensor, "copies batch units"]


@dataclass(frozen=True)
class Signals:
    """The errors of one minibatch, as what each number should have been more than it was.

    Args:
        at_outputs: δ of the outputs: minus the gradient of the loss, of each example by itself.
        direct: of each unit, by way of the outputs that read it alone.
        credit: of each unit, by way of all that read it; 0 for the fringe.
        of_master: the δ of each unit's master.
        residual: what a fringe unit's shadow weight leaves of it: e_i = δ_m(i) - s_i f_i.
    """

    at_outputs: Float[Tensor, "copies batch outputs"]
    direct: Credit
    credit: Credit
    of_master: Credit
    residual: Credit


def signals(network: DynamicNetwork, trace: ForwardTrace, at_outputs: Float[Tensor, "copies batch outputs"]) -> Signals:
    """The errors of all units, from those of the outputs."""
    first = network.slots.first
    direct = at_outputs @ network.readout[..., first:]
    credit = through_levels(network, trace, direct)
    of_master = _of_masters(network, at_outputs, credit)
    return Signals(at_outputs, direct, credit, of_master, of_master - network.shadow[:, None] * trace.activations)


def through_levels(network: DynamicNetwork, trace: ForwardTrace, direct: Credit) -> Credit:
    """Adds to the credit that units have with outputs the one that they have with backbone units above them."""
    slots, credit = network.slots, direct
    for level in reversed(range(1, slots.levels)):
        here, lower = slots.of(level), level * slots.each
        at_drive = credit[..., here] * trace.slopes[..., here] * network.backbone[:, None, here]
        more = at_drive @ network.weights[level][..., slots.first :]
        credit = torch.cat([credit[..., :lower] + more, credit[..., lower:]], -1)
    return credit


def _of_masters(network: DynamicNetwork, at_outputs: Tensor, credit: Tensor) -> Tensor:
    if network.has_one_master:
        return at_outputs.expand_as(credit)
    errors = torch.cat([at_outputs, credit], -1)
    return errors.gather(-1, network.master[:, None].expand_as(credit))


def gradients(
    network: DynamicNetwork, trace: ForwardTrace, signals: Signals
) -> list[Float[Tensor, "copies slots below"]]:
    """The gradient of each level's incoming weights, as the mean over the minibatch.

    Of a backbone unit it is that of the loss; of a fringe unit that of ½ Σ e_i², which no other unit feels.
    """
    is_backbone = network.backbone[:, None].bool()
    wanted = torch.where(is_backbone, signals.credit, signals.residual * network.shadow[:, None]) * trace.slopes
    slots, batch = network.slots, wanted.shape[1]
    return [
        wanted[..., slots.of(level)].mT @ trace.sources[..., : slots.below(level)] * network.connected(level) / -batch
        for level in range(slots.levels)
    ]
