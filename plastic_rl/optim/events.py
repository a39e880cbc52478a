"""The answers of methods to those who ask: which units were replaced, and which will be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from plastic_rl.layers import HiddenLayer


@dataclass(frozen=True)
class UnitsReplaced:
    """Units of one layer that were replaced after one update.

    Args:
        step: the number of the update, counted from 1.
        layer: the layer.
        units: which of its units, as indices.
        utility: what all units of the layer were ranked by.
        age: of all units of the layer before the replacement, in updates.
    """

    step: int
    layer: HiddenLayer
    units: Int[Tensor, " k"]
    utility: Float[Tensor, " units"]
    age: Float[Tensor, " units"]


Listener = Callable[[UnitsReplaced], None]
"""Is called with each replacement, when all units of the update have been replaced."""


@dataclass(frozen=True)
class UnitForecast:
    """The future of the units of one layer.

    Args:
        name: of the layer.
        units: its width.
        first_update: after which update its first unit is replaced, at the earliest; None for never.
        per_thousand: how many units are replaced in 1,000 updates in the long run; None where scores decide it.
        method: which method replaces them, as it is called in a sentence.
    """

    name: str
    units: int
    first_update: int | None
    per_thousand: float | None
    method: str
