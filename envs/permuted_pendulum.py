"""Pendulum whose senses are scrambled anew: the smallest problem here with continuous actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envs.recipe import Environment
from launch.quantities import Count

if TYPE_CHECKING:
    import gymnasium


@dataclass
class PermutedPendulum(Environment):
    """Pendulum; its three observations are permuted, with random signs, every 100,000 steps."""

    total_steps: ClassVar[int] = 1_000_000  # ten permutations
    agent_settings: ClassVar[Mapping[str, object]] = {
        "learning_rate": 1e-3,
        "rollout_steps": 1024,
        "hidden_units": 64,
        "maturity_threshold": 500,
    }

    change_every: Count = 100_000  # environment steps; takes effect at the next reset

    def build(self, *, seed: int) -> gymnasium.Env:
        import gymnasium

        return gymnasium.make(
            "plastic_rl.nonstationary:plastic_rl/PermutedPendulum-v0",
            change_every=self.change_every,
            seed=seed,
            copies=self.n_envs,
        )
