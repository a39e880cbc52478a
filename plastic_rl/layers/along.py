"""A tensor of another length along one axis: which entries stay, and where newborn ones are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

Places = Int[Tensor, " n"]


@dataclass(frozen=True, eq=False)
class Along:
    """A change of a tensor's length along one axis.

    Args:
        axis: the axis.
        source: for each place along it now the place that it had before; -1 for a newborn one.
        before: the length before.
    """

    axis: int
    source: Places
    before: int

    @property
    def newborn(self) -> Places:
        """The places of newborn entries."""
        return (self.source < 0).nonzero().flatten()

    @property
    def added(self) -> int:
        """By how much the axis is longer now."""
        return len(self.source) - self.before

    def of(self, tensor: Tensor, newborn: float = 0.0, axis: int | None = None) -> Tensor:
        """A tensor of the new length: what stays, in its order, and newborn entries of one value.

        Args:
            tensor: of the old length.
            newborn: the value of newborn entries.
            axis: the axis, where it is another one than that of the parameter.
        """
        axis = self.axis if axis is None else axis
        resized = tensor.index_select(axis, self.source.clamp(min=0).to(tensor.device))
        return resized.index_fill_(axis, self.newborn.to(tensor.device), newborn)

    def moved(self) -> Places:
        """For each place before the place now; -1 where it is gone."""
        stays = self.source >= 0
        places = torch.full((self.before,), -1)
        places[self.source[stays]] = stays.nonzero().flatten()
        return places
