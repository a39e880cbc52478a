"""Slippery Ant (Dohare et al., Nature 632, 2024, "Details and further analysis in reinforcement learning")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from envs.recipe import World
from plastic_rl.choices import Actions
from plastic_rl.protocols import SLIPPERY_ANT
from plastic_rl.settings import Count, Positive


@dataclass
class SlipperyAnt(World):
    """MuJoCo's Ant; the ground's friction is redrawn every 2 million steps (Dohare et al. 2024, Fig. 3)."""

    total_steps: ClassVar[int] = 20_000_000  # ten frictions
    actions: ClassVar[Actions] = Actions.continuous

    change_every: Count = SLIPPERY_ANT.change_every  # environment steps; takes effect at the next reset
    friction_low: Positive = SLIPPERY_ANT.friction_low  # log-uniform between the two
    friction_high: Positive = SLIPPERY_ANT.friction_high
