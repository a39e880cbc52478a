"""CartPole with a changing pole; the range is ours, from half of the default to four times it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envs.recipe import Environment
from launch.quantities import Count, Positive

if TYPE_CHECKING:
    import gymnasium


@dataclass
class ShiftingCartPole(Environment):
    """CartPole; the length and the mass of its pole are redrawn every 50,000 steps."""

    total_steps: ClassVar[int] = 500_000  # ten poles
    agent_settings: ClassVar[Mapping[str, object]] = {
        "learning_rate": 1e-3,
        "rollout_steps": 1024,
        "hidden_units": 64,
        "maturity_threshold": 500,
    }

    change_every: Count = 50_000  # environment steps; takes effect at the next reset
    factor_low: Positive = 0.5  # of the default length and mass; log-uniform between the two
    factor_high: Positive = 4.0

    def build(self, *, seed: int) -> gymnasium.Env:
        import gymnasium

        return gymnasium.make(
            "plastic_rl.nonstationary:plastic_rl/ShiftingCartPole-v0",
            change_every=self.change_every,
            low=self.factor_low,
            high=self.factor_high,
            seed=seed,
            copies=self.n_envs,
        )
