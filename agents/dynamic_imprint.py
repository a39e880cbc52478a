"""A dynamic network whose new units are imprinted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from agents.dynamic import Dynamic
from plastic_rl.choices import DynamicNonlinearity, NewUnits, Trigger
from plastic_rl.settings import NonNegativeInteger, OneOf, Positive, Rate


@dataclass
class DynamicImprint(Dynamic):
    """A growing network whose new units are tuned to the present input, where that is new and the error is large."""

    fringe: NonNegativeInteger = 0  # what is imprinted joins at once
    nonlinearity: Annotated[str, OneOf(tuple(DynamicNonlinearity))] = "sigmoid"
    learning_rate: Positive = 3e-3
    first_step: Positive = 0.01
    new_units: Annotated[str, OneOf(tuple(NewUnits))] = "imprint"
    likeness: Rate = 0.55
    gain: Positive = 15.0
    trigger: Annotated[str, OneOf(tuple(Trigger))] = "novelty_and_error"
    corrects: bool = True
    maturity: NonNegativeInteger = 200
