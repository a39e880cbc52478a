"""Ant with a changing mass; the range is ours, from half of the default to four times it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envs.recipe import Environment
from launch.quantities import Count, Positive

if TYPE_CHECKING:
    import gymnasium


@dataclass
class HeavyAnt(Environment):
    """MuJoCo's Ant; the mass and inertia of its body are redrawn every 2 million steps."""

    total_steps: ClassVar[int] = 20_000_000  # ten masses

    change_every: Count = 2_000_000  # environment steps; takes effect at the next reset
    mass_low: Positive = 0.5  # of the default mass and inertia; log-uniform between the two
    mass_high: Positive = 4.0

    def build(self, *, seed: int) -> gymnasium.Env:
        import gymnasium

        return gymnasium.make(
            "plastic_rl.nonstationary:plastic_rl/HeavyAnt-v0",
            change_every=self.change_every,
            low=self.mass_low,
            high=self.mass_high,
            seed=seed,
            copies=self.n_envs,
        )
