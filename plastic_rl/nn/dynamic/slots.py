"""Addresses: where the slots of each level stand among units, and where units stand among what can be read."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor


@dataclass(frozen=True)
class Slots:
    """Slots in levels.

    Sources are numbered: the constant 0, the inputs from 1, then the units, level by level.

    Args:
        inputs: of the network.
        levels: of units.
        each: slots of one level.
    """

    inputs: int
    levels: int
    each: int

    @property
    def units(self) -> int:
        """The number of slots of all levels."""
        return self.levels * self.each

    @property
    def first(self) -> int:
        """The source that the first unit is."""
        return 1 + self.inputs

    @property
    def sources(self) -> int:
        """The number of all sources: what an output reads."""
        return self.below(self.levels)

    def below(self, level: int) -> int:
        """The number of sources that a unit of a level may read."""
        return self.first + level * self.each

    def of(self, level: int) -> slice:
        """The units of a level."""
        return slice(level * self.each, (level + 1) * self.each)

    def place(self, unit: int) -> tuple[int, int]:
        """The level of a unit, and its slot there."""
        return divmod(unit, self.each)

    def moved(self, each: int) -> Int[Tensor, " units"]:
        """The number that each unit has when a level has so many slots."""
        units = torch.arange(self.units)
        return units // self.each * each + units % self.each
