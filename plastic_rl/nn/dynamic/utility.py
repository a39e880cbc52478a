"""The worth of units: what their removal would cost, and what an adoption would win, in squared error."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.nn.dynamic.backward import Signals
from plastic_rl.nn.dynamic.network import DynamicNetwork, ForwardTrace
from plastic_rl.optim.propagation import contributions, passed_back

OfUnits = Float[Tensor, "copies units"]


def cost_of_removal(network: DynamicNetwork, trace: ForwardTrace, signals: Signals) -> OfUnits:
    """Σ_o (δ_o + v_oi (f_i - E f_i))² - δ_o², exact where outputs are linear and the mean stays in their constants."""
    weights = network.readout[..., network.slots.first :]
    deviation = trace.activations - network.mean[:, None]
    return (deviation * (2 * signals.direct + deviation * weights.square().sum(1, keepdim=True))).mean(1)


def gain_of_adoption(network: DynamicNetwork, trace: ForwardTrace, signals: Signals) -> OfUnits:
    """δ_m² - e_i²: how much less the master's squared error is with a unit's shadow weight."""
    predicted = network.shadow[:, None] * trace.activations
    return (predicted * (signals.of_master + signals.residual)).mean(1)


def with_readers(network: DynamicNetwork, direct: OfUnits) -> OfUnits:
    """Utility of units with that of their readers handed down: a unit gets of each reader its share of what drives it.

    After Javed's utility propagation (`khurramjaved96/utility-propagation`, 2022): backwards, level by level, each
    reader's utility is divided among its sources in proportion to what they contribute to it, |w_ij| E|f_j - E f_j|
    here, so that the flow is conserved. What goes to inputs is theirs.

    Args:
        network: whose units they are.
        direct: the worth that units have for the outputs themselves; less than nothing is not handed down.
    """
    slots, utility = network.slots, direct.clone()
    for level in reversed(range(1, slots.levels)):
        received = (utility * network.backbone)[:, slots.of(level)].clamp(min=0)
        handed = torch.vmap(passed_back)(_shares(network, level), received)
        utility[:, : level * slots.each] += handed[:, slots.first :]
    return utility


def _shares(network: DynamicNetwork, level: int) -> Float[Tensor, "copies slots below"]:
    spread = network.spread[:, : level * network.slots.each]
    of_inputs = spread.new_ones(spread.shape[0], network.slots.inputs)
    constant = spread.new_zeros(spread.shape[0], 1)
    return torch.vmap(contributions)(network.weights[level].detach(), torch.cat([constant, of_inputs, spread], 1))
