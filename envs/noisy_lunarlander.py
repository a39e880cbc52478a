"""LunarLander with an offset on its senses: the protocol of TRAC (Muppidi et al. 2024) and C-CHAIN (Tang et al.)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envs.recipe import Environment
from launch.quantities import Count, Positive

if TYPE_CHECKING:
    import gymnasium


@dataclass
class NoisyLunarLander(Environment):
    """LunarLander; an offset, redrawn N(0, 2) every 200,000 steps, is added to what is seen."""

    total_steps: ClassVar[int] = 2_000_000  # ten offsets
    agent_settings: ClassVar[Mapping[str, object]] = {
        "learning_rate": 1e-3,
        "rollout_steps": 1024,
        "hidden_units": 64,
        "maturity_threshold": 500,
    }

    change_every: Count = 200_000  # environment steps; takes effect at the next reset
    deviation: Positive = 2.0  # of the offsets

    def build(self, *, seed: int) -> gymnasium.Env:
        import gymnasium

        from plastic_rl.errors import UserError

        try:
            return gymnasium.make(
                "plastic_rl.nonstationary:plastic_rl/NoisyLunarLander-v0",
                change_every=self.change_every,
                deviation=self.deviation,
                seed=seed,
                copies=self.n_envs,
            )
        except gymnasium.error.DependencyNotInstalled as error:
            raise UserError(
                "env=noisy-lunarlander needs a package that is not installed: pip install 'gymnasium[box2d]'"
            ) from error
