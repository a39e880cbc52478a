"""Catch in pixels whose picture is cut up and put together anew; the protocol is ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envs.recipe import Environment
from launch.quantities import Count

if TYPE_CHECKING:
    import gymnasium


@dataclass
class PixelPermutedCatch(Environment):
    """Catch, a small game in pixels; squares of its picture are permuted every 50,000 steps."""

    total_steps: ClassVar[int] = 500_000  # ten permutations
    agent_settings: ClassVar[Mapping[str, object]] = {
        "learning_rate": 1e-3,
        "rollout_steps": 1024,
        "hidden_units": 64,
        "maturity_threshold": 500,
    }

    change_every: Count = 50_000  # environment steps; takes effect at the next reset
    patch: Count = 4  # pixels a side of a square; it must divide 40

    def build(self, *, seed: int) -> gymnasium.Env:
        import gymnasium

        return gymnasium.make(
            "plastic_rl.nonstationary:plastic_rl/PixelPermutedCatch-v0",
            change_every=self.change_every,
            patch=self.patch,
            seed=seed,
            copies=self.n_envs,
        )
