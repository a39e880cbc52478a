"""Ant under changing gravity; the range is ours, from a quarter of the Earth's to twice it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from envs.recipe import World
from plastic_rl.choices import Actions
from plastic_rl.protocols import GRAVITY_ANT
from plastic_rl.settings import Count, Positive


@dataclass
class GravityAnt(World):
    """MuJoCo's Ant; gravity's strength is redrawn, log-uniform, every 2 million steps."""

    total_steps: ClassVar[int] = 20_000_000  # ten gravities
    actions: ClassVar[Actions] = Actions.continuous

    change_every: Count = GRAVITY_ANT.change_every  # environment steps; takes effect at the next reset
    gravity_low: Positive = GRAVITY_ANT.gravity_low  # of the default strength; log-uniform between the two
    gravity_high: Positive = GRAVITY_ANT.gravity_high
