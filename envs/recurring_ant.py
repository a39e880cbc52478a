"""Ant on three grounds that return, for what is remembered; the protocol is ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envs.recipe import Environment
from launch.quantities import Count

if TYPE_CHECKING:
    import gymnasium


@dataclass
class RecurringAnt(Environment):
    """MuJoCo's Ant; three frictions, 0.05, 0.3 and 2, take turns of a million steps each."""

    total_steps: ClassVar[int] = 18_000_000  # six cycles

    change_every: Count = 1_000_000  # environment steps; takes effect at the next reset

    def build(self, *, seed: int) -> gymnasium.Env:
        import gymnasium

        return gymnasium.make(
            "plastic_rl.nonstationary:plastic_rl/RecurringAnt-v0",
            change_every=self.change_every,
            seed=seed,
            copies=self.n_envs,
        )
