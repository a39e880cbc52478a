"""Ant whose actuators fail and return; the protocol is ours, after the crippled ants of meta-learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envs.recipe import Environment
from launch.quantities import Count

if TYPE_CHECKING:
    import gymnasium


@dataclass
class DamagedAnt(Environment):
    """MuJoCo's Ant; every other million steps some of its eight actuators, redrawn, do nothing."""

    total_steps: ClassVar[int] = 20_000_000  # ten times whole, ten times damaged

    change_every: Count = 1_000_000  # environment steps; takes effect at the next reset
    failures: Count = 1  # actuators out of eight

    def build(self, *, seed: int) -> gymnasium.Env:
        import gymnasium

        return gymnasium.make(
            "plastic_rl.nonstationary:plastic_rl/DamagedAnt-v0",
            change_every=self.change_every,
            failures=self.failures,
            seed=seed,
            copies=self.n_envs,
        )
