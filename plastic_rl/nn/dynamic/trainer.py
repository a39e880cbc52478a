"""Online learning of a dynamic network: weights, step sizes and structure, one minibatch at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.nn.dynamic.backward import Signals, gradients, signals
from plastic_rl.nn.dynamic.gardener import Gardener
from plastic_rl.nn.dynamic.generators import RandomUnits, UnitMaker
from plastic_rl.nn.dynamic.network import FREE, FRINGE, DynamicNetwork, ForwardTrace
from plastic_rl.nn.dynamic.nursery import Nursery
from plastic_rl.nn.dynamic.population import Population
from plastic_rl.nn.dynamic.readings import Readings
from plastic_rl.nn.dynamic.rules import Rules
from plastic_rl.nn.dynamic.step_sizes import k1_step

# Running means are plain ones over a unit's life at first, and then forget with this time constant, in updates.
HORIZON = 1000.0

Errors = Float[Tensor, "copies batch outputs"]


class DynamicTrainer:
    """The learning of a dynamic network: of weights, step sizes and structure.

    Outputs and shadow weights learn by K1 with a normalised meta step, a step size for each weight; incoming weights of
    backbone and fringe by Adam, with a clock for each unit.

    Args:
        network: that learns.
        rules: of its structure.
        maker: of new units.
        readings: of what the talk leaves open; None for ours.
        learning_rate: of incoming weights.
        meta_rate: μ of the step sizes of outgoing weights.
        first_step: those step sizes at a weight's birth.
        seeds: of the draws of each copy; as many as there are copies.

    Raises:
        ValueError: there are more or fewer seeds than copies.
    """

    def __init__(
        self,
        network: DynamicNetwork,
        rules: Rules | None = None,
        *,
        maker: UnitMaker | None = None,
        readings: Readings | None = None,
        learning_rate: float = 5e-3,
        meta_rate: float = 0.1,
        first_step: float = 2e-3,
        seeds: Sequence[int] = (0,),
    ) -> None:
        if len(seeds) != network.copies:
            raise ValueError(f"there must be a seed for each of {network.copies} copies, got {len(seeds)}")
        self.network, self.meta_rate, self.updates = network, meta_rate, 0
        self.readings = readings or Readings()
        self.population = Population(network, learning_rate=learning_rate, first_step=first_step)
        nursery = Nursery(self.population, maker or RandomUnits(), seeds, self.readings)
        self.gardener = Gardener(self.population, nursery, rules or Rules(), self.readings)

    @torch.no_grad()
    def update(
        self, inputs: Float[Tensor, "copies batch inputs"], errors: Callable[[Errors], Errors]
    ) -> Float[Tensor, "copies batch outputs"]:
        """Learns from one minibatch, and returns what the network said of it before.

        Args:
            inputs: what it sees.
            errors: gives, for the outputs, minus the gradient of each example's loss: of ½ (y - t)², t - y.
        """
        trace = self.network.trace(inputs)
        self.observe(trace, errors(trace.outputs))
        return trace.outputs

    @torch.no_grad()
    def observe(self, trace: ForwardTrace, at_outputs: Errors) -> None:
        """Learns from the errors of outputs; an update is complete with that.

        Args:
            trace: of the minibatch.
            at_outputs: minus the gradient of the loss by the outputs, of each example by itself.
        """
        found = signals(self.network, trace, at_outputs)
        self._measure(trace, found)
        self._learn(trace, found)
        self.updates += 1
        self.gardener.tend(self.updates, trace, found)

    def _measure(self, trace: ForwardTrace, found: Signals) -> None:
        """Takes the minibatch into the running means of units and errors."""
        network = self.network
        network.age.add_(network.role != FREE)
        weight = 1 / network.age.clamp(1, HORIZON)
        utility, gain = self.readings.utility(network, trace, found), self.readings.gain(network, trace, found)
        mean = trace.activations.mean(1)
        spread = (trace.activations - network.mean[:, None]).abs().mean(1)
        for running, now in (
            (network.utility, utility),
            (network.gain, gain),
            (network.mean, mean),
            (network.spread, spread),
        ):
            running.lerp_(now, weight)
        errors = torch.cat([found.at_outputs, found.credit], -1).square_().mean(1)
        network.error_power.lerp_(errors, 1 / min(self.updates + 1.0, HORIZON))

    def _learn(self, trace: ForwardTrace, found: Signals) -> None:
        network, batch = self.network, trace.sources.shape[1]
        for parameter, gradient in zip(network.weights, gradients(network, trace, found), strict=True):
            parameter.grad = gradient
        correlation = found.at_outputs.mT @ trace.sources / batch
        power = trace.sources.square().mean(1, keepdim=True)
        error_power = network.error_power[:, : network.outputs, None]
        steps, known = self.population.readout_steps, {"power": power, "error_power": error_power}
        k1_step(network.readout.data, steps, correlation, shared=True, meta_rate=self.meta_rate, **known)
        self._learn_shadows(trace, found)
        self.population.optimizer.step()

    def _learn_shadows(self, trace: ForwardTrace, found: Signals) -> None:
        """Each shadow weight learns what its unit can explain of its own master's error, by itself."""
        network = self.network
        correlation = (found.residual * trace.activations).mean(1) * (network.role == FRINGE)
        known = {"power": trace.activations.square().mean(1), "error_power": self._power_of_masters()}
        steps, meta_rate = self.population.shadow_steps, self.meta_rate
        k1_step(network.shadow, steps, correlation, shared=False, meta_rate=meta_rate, **known)

    def _power_of_masters(self) -> Tensor:
        network = self.network
        if network.has_one_master:
            return network.error_power[:, :1]
        return network.error_power.gather(1, network.master)

    def state_dict(self) -> dict[str, Any]:
        """Everything that is needed to go on exactly."""
        return {
            "population": self.population.state_dict(),
            "gardener": self.gardener.state_dict(),
            "updates": self.updates,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state."""
        self.population.load_state_dict(state["population"])
        self.gardener.load_state_dict(state["gardener"])
        self.updates = int(state["updates"])
