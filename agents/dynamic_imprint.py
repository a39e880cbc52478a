"""A dynamic network whose new units are imprinted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from agents.dynamic import Dynamic
from plastic_rl.choices import DynamicNonlinearity, NewUnits, Trigger
from plastic_rl.settings import OneOf


@dataclass
class DynamicImprint(Dynamic):
    """A growing network whose new units are tuned to the present input, where that is new and the error is large."""

    nonlinearity: Annotated[str, OneOf(tuple(DynamicNonlinearity))] = "relu"
    new_units: Annotated[str, OneOf(tuple(NewUnits))] = "imprint"
    trigger: Annotated[str, OneOf(tuple(Trigger))] = "novelty_and_error"
    corrects: bool = True
