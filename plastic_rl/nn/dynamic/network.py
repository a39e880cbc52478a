"""A network whose units come and go, in storage that is there beforehand: slots in levels, a mask of roles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from plastic_rl.choices import DynamicNonlinearity
from plastic_rl.nn.dynamic.nonlinearities import NONLINEARITIES
from plastic_rl.nn.dynamic.slots import Slots
from plastic_rl.validation import at_least, one_of

FREE, FRINGE, BACKBONE = 0, 1, 2
"""The roles of a slot: no unit, a unit that is tried out, a unit that the outputs and later units may read."""


@dataclass(frozen=True)
class ForwardTrace:
    """The activations of one minibatch.

    Args:
        sources: what can be read: the constant 1, the inputs, and the activations of the backbone, 0 in other slots.
        activations: of all units, the fringe included.
        slopes: of their non-linearity.
        outputs: of the network.
    """

    sources: Float[Tensor, "copies batch sources"]
    activations: Float[Tensor, "copies batch units"]
    slopes: Float[Tensor, "copies batch units"]
    outputs: Float[Tensor, "copies batch outputs"]


class DynamicNetwork(nn.Module):
    """A network that begins as a linear one, without any unit, and to which units can be added one by one.

    Its slots are arranged in levels. A unit reads a constant, the inputs, and backbone units of lower levels; outputs
    read a constant, the inputs and all backbone units. A unit of the fringe is computed, and nobody reads it.

    Args:
        inputs: numbers that it sees.
        outputs: numbers that it says.
        levels: the longest path through units.
        slots: of each level; more are made when a level is full (:func:`plastic_rl.nn.dynamic.growth.grow`).
        nonlinearity: of all units.
        copies: independent networks side by side, as for several seeds.

    Attributes:
        weights: incoming weights of each level's slots, 0 where there is no connection.
        readout: weights of the outputs.
        role, master, shadow, age, utility, gain, mean, spread: of each slot; see :mod:`plastic_rl.nn.dynamic.trainer`.
        error_power: running mean of the squared error of each output, then of each unit.

    Raises:
        ValueError: a number is below 1, or the non-linearity is unknown.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        levels: int = 1,
        slots: int = 16,
        nonlinearity: str = "tanh",
        copies: int = 1,
    ) -> None:
        super().__init__()
        sizes = {"inputs": inputs, "outputs": outputs, "levels": levels, "slots": slots, "copies": copies}
        for name, value in sizes.items():
            at_least(name, 1, value)
        self.nonlinearity = one_of("nonlinearity", DynamicNonlinearity, nonlinearity)
        self.outputs, self.copies = outputs, copies
        self.slots = Slots(inputs, levels, slots)
        self.weights = nn.ParameterList([torch.zeros(copies, slots, self.slots.below(k)) for k in range(levels)])
        self.readout = nn.Parameter(torch.zeros(copies, outputs, self.slots.sources))
        for k in range(levels):
            self.register_buffer(f"connected{k}", torch.zeros(copies, slots, self.slots.below(k)))
        self._register_unit_buffers()

    def _register_unit_buffers(self) -> None:
        shape = (self.copies, self.slots.units)
        self.register_buffer("role", torch.zeros(shape, dtype=torch.int8))
        self.register_buffer("master", torch.zeros(shape, dtype=torch.int64))
        for name in ("shadow", "age", "utility", "gain", "mean", "spread"):
            self.register_buffer(name, torch.zeros(shape))
        self.register_buffer("error_power", torch.zeros(self.copies, self.outputs + self.slots.units))

    role: Tensor
    master: Tensor
    shadow: Tensor
    age: Tensor
    utility: Tensor
    gain: Tensor
    mean: Tensor
    spread: Tensor
    error_power: Tensor

    @property
    def inputs(self) -> int:
        """The number of inputs."""
        return self.slots.inputs

    @property
    def backbone(self) -> Float[Tensor, "copies units"]:
        """1 for units of the backbone, 0 for other slots."""
        return (self.role == BACKBONE).to(self.readout)

    @property
    def has_one_master(self) -> bool:
        """True if all units are tried out for the one output that there is, as none reads another."""
        return self.outputs == 1 and self.slots.levels == 1

    def connected(self, level: int) -> Float[Tensor, "copies slots below"]:
        """1 where a slot of a level reads a source, else 0."""
        return self.get_buffer(f"connected{level}")

    def forward(self, inputs: Float[Tensor, "*copies batch inputs"]) -> Float[Tensor, "*copies batch outputs"]:
        """The outputs; the axis of copies may be left out where there is one."""
        alone = inputs.ndim == 2
        if alone and self.copies > 1:
            raise ValueError(f"these are {self.copies} networks: inputs must be of shape (copies, batch, inputs)")
        outputs = self.trace(inputs[None] if alone else inputs).outputs
        return outputs[0] if alone else outputs

    def trace(self, inputs: Float[Tensor, "copies batch inputs"]) -> ForwardTrace:
        """Everything that the units and outputs compute; no Python loop over units, one matrix product a level."""
        phi, backbone = NONLINEARITIES[self.nonlinearity], self.backbone[:, None]
        sources = torch.cat([torch.ones_like(inputs[..., :1]), inputs], -1)
        activations: list[Tensor] = []
        slopes: list[Tensor] = []
        for level, weights in enumerate(self.weights):
            drive = sources @ (weights * self.connected(level)).mT
            activation = phi.function(drive)
            activations.append(activation)
            slopes.append(phi.slope(drive, activation))
            sources = torch.cat([sources, activation * backbone[..., self.slots.of(level)]], -1)
        return ForwardTrace(sources, torch.cat(activations, -1), torch.cat(slopes, -1), sources @ self.readout.mT)

    def unit_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """The buffers that have one number for each slot, by name."""
        for name in ("role", "master", "shadow", "age", "utility", "gain", "mean", "spread"):
            yield name, self.get_buffer(name)

    def load_state_dict(self, state_dict: Any, *arguments: Any, **keywords: Any) -> Any:
        """Goes on from a saved state, whose number of slots may be another."""
        self.resize(state_dict["weights.0"].shape[1])
        return super().load_state_dict(state_dict, *arguments, **keywords)

    def resize(self, slots: int) -> None:
        """Makes room for other numbers of slots, all of them free; what was there is gone."""
        if slots == self.slots.each:
            return
        fresh = DynamicNetwork(
            self.inputs,
            self.outputs,
            levels=self.slots.levels,
            slots=slots,
            nonlinearity=self.nonlinearity,
            copies=self.copies,
        ).to(self.readout.device)
        self.slots = fresh.slots
        for parameter, other in zip(self.parameters(), fresh.parameters(), strict=True):
            parameter.data = other.data
        for name, buffer in fresh.named_buffers():
            self.register_buffer(name, buffer)

    def only(self, copy: int) -> DynamicNetwork:
        """One of the networks side by side, as a network; it shares its numbers with this one until either grows."""
        one = DynamicNetwork(
            self.inputs,
            self.outputs,
            levels=self.slots.levels,
            slots=self.slots.each,
            nonlinearity=self.nonlinearity,
        )
        for parameter, ours in zip(one.parameters(), self.parameters(), strict=True):
            parameter.data = ours.data[copy : copy + 1]
        for name, buffer in self.named_buffers():
            one.register_buffer(name, buffer[copy : copy + 1])
        return one
