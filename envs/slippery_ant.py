"""Slippery Ant (Dohare et al., Nature 632, 2024, "Details and further analysis in reinforcement learning")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from envs.recipe import World
from plastic_rl.settings import Count, Positive


@dataclass
class SlipperyAnt(World):
    """MuJoCo's Ant; the ground's friction is redrawn every 2 million steps (Dohare et al. 2024, Fig. 3)."""

    total_steps: ClassVar[int] = 20_000_000  # ten frictions

    change_every: Count = 2_000_000  # environment steps; takes effect at the next reset
    friction_low: Positive = 0.02  # log-uniform between the two
    friction_high: Positive = 2.0
