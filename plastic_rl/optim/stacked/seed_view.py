"""An optimiser of several stacked networks, as a method around one of them sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

from jaxtyping import Int
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import Along
from plastic_rl.optim.stacked.networks import StackedNetworks
from plastic_rl.optim.unit_clock import UnitClock, clock_of
from plastic_rl.optim.young_units import positions_along


class SeedState(dict[Tensor, Any]):
    """The part of one seed of an optimiser's state; what goes, goes for all seeds, which keep step with each other.

    Args:
        slices: the state of the seed, by its parameters.
        whole: the state of all.
        stacked: for each parameter of the seed the one that it is a part of.
    """

    def __init__(
        self, slices: Mapping[Tensor, Any], whole: MutableMapping[Tensor, Any], stacked: Mapping[Tensor, Tensor]
    ) -> None:
        super().__init__(slices)
        self.whole, self.stacked = whole, stacked

    def pop(self, key: Tensor, *default: Any) -> Any:
        self.whole.pop(self.stacked[key], None)
        return super().pop(key, *default)

    def clear(self) -> None:
        super().clear()
        self.whole.clear()


class SeedView(Optimizer):
    """The part of one seed of an optimiser of stacked parameters.

    Its parameters are views, its state the seed's slices of whatever state tensors have the shape of a stacked
    parameter. It never steps: the stacked optimiser moves all seeds at once.

    Args:
        optimizer: of the stacked parameters.
        stacked: the networks.
        seed: the place of the seed.
    """

    def __init__(self, optimizer: Optimizer, stacked: StackedNetworks, seed: int) -> None:
        self.__setstate__({"optimizer": optimizer, "seed": seed, "whole": dict(stacked.views(seed))})

    optimizer: Optimizer
    seed: int
    whole: dict[Tensor, Tensor]

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """One group of the seed's parameters, with the settings of the stacked one."""
        settings = {key: value for key, value in self.optimizer.param_groups[0].items() if key != "params"}
        return [{**settings, "params": list(self.whole)}]

    @property
    def state(self) -> MutableMapping[Tensor, Any]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The seed's slices of the optimiser's state, by the seed's parameters."""
        slices = {
            part: {name: self._slice(value, whole) for name, value in self.optimizer.state[whole].items()}
            for part, whole in self.whole.items()
            if whole in self.optimizer.state
        }
        return SeedState(slices, self.optimizer.state, self.whole)

    @property
    def defaults(self) -> dict[str, Any]:
        """The defaults of the stacked optimiser."""
        return self.optimizer.defaults

    def step(self, closure: Any = None) -> Any:
        """Nothing: the stacked optimiser steps for all seeds."""

    def _slice(self, value: Any, whole: Tensor) -> Any:
        return value[self.seed] if isinstance(value, Tensor) and value.shape == whole.shape else value


class ClockedSeedView(UnitClock, SeedView):
    """The same of an optimiser that keeps a clock for single units."""

    def restart_clock(self, parameter: Tensor, axis: int | None, index: Int[Tensor, " k"]) -> None:
        clock = clock_of(self.optimizer)
        assert clock is not None
        places = index if axis is None else positions_along(axis, index, parameter.shape)
        clock.restart_clock(self.whole[parameter], None, places + self.seed * parameter.numel())

    def forget_clocks(self, parameters: Iterable[Tensor] | None = None) -> None:
        clock = clock_of(self.optimizer)
        assert clock is not None
        stacked = None if parameters is None else [self.whole[each] for each in parameters]
        clock.forget_clocks(stacked)  # of all seeds, which keep step with each other

    def resize_clock(self, parameter: Tensor, along: Along) -> None:
        raise RuntimeError("several seeds learn as one network here, in which no layer of one can change its width")

    def restart_parameters(self) -> None:
        clock = clock_of(self.optimizer)
        assert clock is not None
        clock.restart_parameters()  # of all seeds, which count together

    @property
    def has_young_units(self) -> bool:
        clock = clock_of(self.optimizer)
        return clock is not None and clock.has_young_units


def seed_view(optimizer: Optimizer, stacked: StackedNetworks, seed: int) -> SeedView:
    """The part of one seed of an optimiser of stacked parameters, for a method around it."""
    kind = SeedView if clock_of(optimizer) is None else ClockedSeedView
    return kind(optimizer, stacked, seed)
