"""Ant with a changing mass; the range is ours, from half of the default to four times it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from envs.recipe import World
from plastic_rl.choices import Actions
from plastic_rl.protocols import HEAVY_ANT
from plastic_rl.settings import Count, Positive


@dataclass
class HeavyAnt(World):
    """MuJoCo's Ant; the mass and inertia of its body are redrawn every 2 million steps."""

    total_steps: ClassVar[int] = 20_000_000  # ten masses
    actions: ClassVar[Actions] = Actions.continuous

    change_every: Count = HEAVY_ANT.change_every  # environment steps; takes effect at the next reset
    mass_low: Positive = HEAVY_ANT.mass_low  # of the default mass and inertia; log-uniform between the two
    mass_high: Positive = HEAVY_ANT.mass_high
