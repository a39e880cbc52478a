"""CartPole with a changing pole; the range is ours, from half of the default to four times it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from envs.recipe import SMALL_PROBLEM, World
from plastic_rl.choices import Actions
from plastic_rl.protocols import SHIFTING_CARTPOLE
from plastic_rl.settings import Count, Positive


@dataclass
class ShiftingCartPole(World):
    """CartPole; the length and the mass of its pole are redrawn every 50,000 steps."""

    total_steps: ClassVar[int] = 500_000  # ten poles
    actions: ClassVar[Actions] = Actions.discrete
    agent_settings = SMALL_PROBLEM

    change_every: Count = SHIFTING_CARTPOLE.change_every  # environment steps; takes effect at the next reset
    factor_low: Positive = SHIFTING_CARTPOLE.factor_low  # of the default length and mass; log-uniform between the two
    factor_high: Positive = SHIFTING_CARTPOLE.factor_high
