"""Ant whose senses are scrambled anew at the pace of Slippery Ant; the protocol is ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envs.recipe import Environment
from launch.quantities import Count

if TYPE_CHECKING:
    import gymnasium


@dataclass
class PermutedAnt(Environment):
    """MuJoCo's Ant; its 27 observations are permuted, with random signs, every 2 million steps."""

    total_steps: ClassVar[int] = 20_000_000  # ten permutations

    change_every: Count = 2_000_000  # environment steps; takes effect at the next reset

    def build(self, *, seed: int) -> gymnasium.Env:
        import gymnasium

        return gymnasium.make(
            "plastic_rl.nonstationary:plastic_rl/PermutedAnt-v0",
            change_every=self.change_every,
            seed=seed,
            copies=self.n_envs,
        )
