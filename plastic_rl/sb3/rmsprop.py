"""The optimiser that SB3 gives A2C, which starts its averages at one and so does for newborn units."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from jaxtyping import Int
from stable_baselines3.common.sb2_compat.rmsprop_tf_like import RMSpropTFLike
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import Along
from plastic_rl.layers.port import fill
from plastic_rl.optim import UnitClock


class RestartingRMSprop(RMSpropTFLike, UnitClock):
    """SB3's `RMSpropTFLike`, bit for bit, until single units are told to start anew."""

    @torch.no_grad()
    def restart_clock(self, parameter: Tensor, axis: int | None, index: Int[Tensor, " k"]) -> None:
        """Sets the squared-gradient average of the entries ``index`` along ``axis`` to one, as in a fresh optimiser.

        A method forgets state by zeros; from zero the first step of this optimiser would be up to 1 / √(1 - α) = 10
        times the learning rate, where that of a fresh one is the learning rate times the gradient.
        """
        if parameter in self.state:
            fill(self.state[parameter]["square_avg"], axis, index, 1.0)

    def forget_clocks(self, parameters: Iterable[Tensor] | None = None) -> None:
        """Nothing: all that is kept of a parameter is in its state."""

    def resize_clock(self, parameter: Tensor, along: Along) -> None:
        """Nothing, for the same reason."""

    @property
    def has_young_units(self) -> bool:
        return False


def with_restart(optimizer: Optimizer) -> Optimizer:
    """The same object, able to start single units anew if it is SB3's `RMSpropTFLike`."""
    if type(optimizer) is RMSpropTFLike:
        optimizer.__class__ = RestartingRMSprop
    return optimizer
