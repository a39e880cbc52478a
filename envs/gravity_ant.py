"""Ant under changing gravity; the range is ours, from a quarter of the Earth's to twice it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envs.recipe import Environment
from launch.quantities import Count, Positive

if TYPE_CHECKING:
    import gymnasium


@dataclass
class GravityAnt(Environment):
    """MuJoCo's Ant; gravity's strength is redrawn, log-uniform, every 2 million steps."""

    total_steps: ClassVar[int] = 20_000_000  # ten gravities

    change_every: Count = 2_000_000  # environment steps; takes effect at the next reset
    gravity_low: Positive = 0.25  # of the default strength; log-uniform between the two
    gravity_high: Positive = 2.0

    def build(self, *, seed: int) -> gymnasium.Env:
        import gymnasium

        return gymnasium.make(
            "plastic_rl.nonstationary:plastic_rl/GravityAnt-v0",
            change_every=self.change_every,
            low=self.gravity_low,
            high=self.gravity_high,
            seed=seed,
            copies=self.n_envs,
        )
