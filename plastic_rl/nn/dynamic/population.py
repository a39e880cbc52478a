"""The units of a dynamic network, and all that is remembered of them: what is done to one is done to both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.nn.dynamic.growth import Move, grow
from plastic_rl.nn.dynamic.network import FREE, FRINGE, DynamicNetwork
from plastic_rl.nn.dynamic.step_sizes import StepSizes
from plastic_rl.nn.dynamic.surgery import adopt, bear, remove, withdraw
from plastic_rl.nn.dynamic.unit_adam import UnitAdam

Sources = Float[Tensor, "copies sources"]

COUNTED = ("births", "joins", "leavings", "deaths")


class Population:
    """Units, their optimiser's moments and their step sizes.

    Args:
        network: whose units they are.
        learning_rate: of incoming weights.
        first_step: step size of an outgoing weight at its birth.

    Attributes:
        counts: for each copy the births, joins (of the backbone), leavings (to the fringe) and deaths so far.
    """

    def __init__(self, network: DynamicNetwork, *, learning_rate: float, first_step: float) -> None:
        self.network = network
        self.optimizer = UnitAdam(network.weights, lr=learning_rate)
        self.readout_steps = StepSizes(network.readout.detach(), first_step)
        self.shadow_steps = StepSizes(network.shadow, first_step)
        self.counts = {name: [0] * network.copies for name in COUNTED}

    def bear(self, copy: int, units: list[int], rows: Float[Tensor, "births below"], masters: list[int]) -> None:
        """Puts new fringe units into free slots of one level."""
        bear(self.network, copy, units, rows, masters)
        self._restart(copy, units)
        self.counts["births"][copy] += len(units)

    def adopt(self, copy: int, unit: int, weight: float) -> None:
        """Lets a fringe unit join the backbone."""
        adopt(self.network, copy, unit, weight)
        self._restart(copy, [unit])
        self._restart_readers(copy, unit)
        self.counts["joins"][copy] += 1

    def withdraw(self, copy: int, unit: int) -> None:
        """Takes a unit back to the fringe; fringe units that were tried out for it die."""
        withdraw(self.network, copy, unit)
        self.shadow_steps.restart(copy, unit)
        self._restart_readers(copy, unit)
        self.counts["leavings"][copy] += 1
        orphans = (self.network.role[copy] == FRINGE) & (self.network.master[copy] == self.network.outputs + unit)
        self.remove(copy, orphans.nonzero()[:, 0].tolist())

    def remove(self, copy: int, units: list[int]) -> None:
        """Makes the slots of fringe units free."""
        if units:
            remove(self.network, copy, units)
            self.counts["deaths"][copy] += len(units)

    def make_room(self, births: Sequence[int], sources: Sources) -> Float[Tensor, "copies more"]:
        """Sees to free slots for births in each copy, at whatever level; there are twice as many slots if need be.

        Args:
            births: of each copy.
            sources: an example of each copy, as it was read.

        Returns:
            The example as it is read with the slots that there are now.
        """
        wanted = torch.tensor(births, device=self.network.role.device)[:, None]
        while ((self.network.role == FREE).view(len(births), self.network.slots.levels, -1).sum(2) < wanted).any():
            sources = self.grow().readout(sources)
        return sources

    def free_slots(self, copy: int, level: int) -> list[int]:
        """The slots of a level in which there is no unit."""
        here = self.network.slots.of(level)
        return (self.network.role[copy, here] == FREE).nonzero()[:, 0].add(here.start).tolist()

    def grow(self) -> Move:
        """Doubles the slots of each level."""
        move = grow(self.network, self.optimizer)
        self.readout_steps.move(move.readout)
        self.shadow_steps.move(move.units)
        return move

    def _restart(self, copy: int, units: list[int]) -> None:
        """Lets incoming and shadow weights start anew."""
        for unit in units:
            level, slot = self.network.slots.place(unit)
            self.optimizer.restart(self.network.weights[level], copy, slot)
        self.shadow_steps.restart(copy, units)

    def _restart_readers(self, copy: int, unit: int) -> None:
        """Lets the weights by which a unit is read start anew."""
        slots, source = self.network.slots, self.network.slots.first + unit
        self.readout_steps.restart(copy, slice(None), source)
        for level in range(slots.place(unit)[0] + 1, slots.levels):
            self.optimizer.forget_source(self.network.weights[level], copy, source)

    @torch.no_grad()
    def forget_steps(self) -> None:
        """Lets the optimiser and all step sizes start over; weights and units stay."""
        for parameter in self.network.weights:
            self.optimizer.restart(parameter, slice(None))
        for steps in (self.readout_steps, self.shadow_steps):
            steps.restart(slice(None))

    def count(self, role: int) -> list[int]:
        """The number of units of each copy that have a role."""
        return (self.network.role == role).sum(1).tolist()

    def is_mature(self, role: int, maturity: int) -> Tensor:
        """True for units that have had a role for longer than so many updates."""
        return (self.network.role == role) & (self.network.age > maturity)

    def relative(self, utility: Float[Tensor, "copies units"]) -> Float[Tensor, "copies units"]:
        """The utility of units in mean squared errors of the outputs."""
        return utility / self.network.error_power[:, : self.network.outputs].sum(1, keepdim=True).clamp(min=1e-30)

    def relative_gain(self) -> Float[Tensor, "copies units"]:
        """The gain of units, in mean squared errors of their masters."""
        return self.network.gain / self.network.error_power.gather(1, self.network.master).clamp(min=1e-30)

    def state_dict(self) -> dict[str, Any]:
        """Everything that is needed to go on exactly."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "readout_steps": self.readout_steps.state_dict(),
            "shadow_steps": self.shadow_steps.state_dict(),
            "counts": {name: list(values) for name, values in self.counts.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.readout_steps.load_state_dict(state["readout_steps"])
        self.shadow_steps.load_state_dict(state["shadow_steps"])
        self.counts = {name: list(values) for name, values in state["counts"].items()}
