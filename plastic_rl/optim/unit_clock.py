"""Optimisers that keep time for single units, so that a newborn one is treated as by a fresh optimiser."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from jaxtyping import Int
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import Along
from plastic_rl.optim.base import innermost


class UnitClock(ABC):
    """Interface of an optimiser that can start anew for parts of a parameter."""

    @abstractmethod
    def restart_clock(self, parameter: Tensor, axis: int | None, index: Int[Tensor, " k"]) -> None:
        """Lets the entries ``index`` along ``axis`` of a parameter (None: of the flattened one) count from now on."""

    @abstractmethod
    def forget_clocks(self, parameters: Iterable[Tensor] | None = None) -> None:
        """Lets go of all that is kept of single units of some parameters, or of all."""

    @abstractmethod
    def resize_clock(self, parameter: Tensor, along: Along) -> None:
        """Follows the entries of single units to where they are in a parameter that is about to change its shape."""

    @abstractmethod
    def restart_parameters(self) -> None:
        """Follows up when the clocks of all parameters have been set to zero; those of single units go on."""

    @property
    @abstractmethod
    def has_young_units(self) -> bool:
        """True if the next step treats some entries differently from the rest of their parameter."""


def clock_of(optimizer: Optimizer) -> UnitClock | None:
    """The clock of single units at the bottom of a stack of wrappers, if the optimiser there keeps one."""
    inner = innermost(optimizer)
    return inner if isinstance(inner, UnitClock) else None
