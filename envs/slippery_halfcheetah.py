"""HalfCheetah on changing ground: Slippery Ant's protocol (Dohare et al., Nature 632, 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from envs.recipe import World
from plastic_rl.choices import Actions
from plastic_rl.protocols import SLIPPERY_HALFCHEETAH
from plastic_rl.settings import Count, Positive


@dataclass
class SlipperyHalfCheetah(World):
    """HalfCheetah; the ground's friction is redrawn every 2 million steps, as Slippery Ant's is."""

    total_steps: ClassVar[int] = 20_000_000  # ten frictions
    actions: ClassVar[Actions] = Actions.continuous

    change_every: Count = SLIPPERY_HALFCHEETAH.change_every  # environment steps; takes effect at the next reset
    friction_low: Positive = SLIPPERY_HALFCHEETAH.friction_low  # of every default; log-uniform between the two
    friction_high: Positive = SLIPPERY_HALFCHEETAH.friction_high
