"""Triggers of imprinting: the moments at which a unit is tuned to what is seen just then."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from plastic_rl.choices import Trigger
from plastic_rl.nn.dynamic.backward import Signals
from plastic_rl.nn.dynamic.network import FREE, DynamicNetwork, ForwardTrace
from plastic_rl.nn.dynamic.nonlinearities import NONLINEARITIES


def is_novel(network: DynamicNetwork, trace: ForwardTrace) -> Bool[Tensor, "copies batch"]:
    """True for examples on which no unit is on, of the backbone or the fringe: none has an activation above φ(0)."""
    rest = NONLINEARITIES[network.nonlinearity].function(trace.activations.new_zeros(()))
    return ~((trace.activations > rest) & (network.role != FREE)[:, None]).any(-1)


def is_wrong(network: DynamicNetwork, found: Signals) -> Bool[Tensor, "copies batch"]:
    """True for examples whose squared error, summed over outputs, is above its running mean."""
    usual = network.error_power[:, : network.outputs].sum(1, keepdim=True)
    return found.at_outputs.square().sum(-1) > usual


def triggered(
    trigger: Trigger, network: DynamicNetwork, trace: ForwardTrace, found: Signals
) -> tuple[Bool[Tensor, " copies"], Int[Tensor, " copies"]]:
    """For each copy True if it is time to imprint, and on which example: of those that call for it the most wrong.

    Args:
        trigger: what calls for it.
        network: in which a unit would be born.
        trace: of the minibatch.
        found: its errors.
    """
    errors = found.at_outputs.square().sum(-1)
    calls = torch.ones_like(errors, dtype=torch.bool) if trigger != Trigger.periodic else torch.zeros_like(errors) > 0
    if trigger in (Trigger.novelty, Trigger.novelty_and_error):
        calls &= is_novel(network, trace)
    if trigger in (Trigger.error, Trigger.novelty_and_error):
        calls &= is_wrong(network, found)
    return calls.any(1), errors.masked_fill(~calls, -1.0).argmax(1)
