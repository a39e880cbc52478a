"""PPO from scratch at each change: the control that cannot lose plasticity."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from agents.ppo import PPO

if TYPE_CHECKING:
    from stable_baselines3 import PPO as StableBaselinesPPO
    from stable_baselines3.common.vec_env import VecEnv


@dataclass
class PPOFresh(PPO):
    """PPO that starts from scratch at each change, weights and optimiser alike: the control that keeps nothing."""

    def build(self, env: VecEnv, *, seed: int, device: str) -> StableBaselinesPPO:
        """Return PPO on `env`; the agent after a change is the one that this builds with another seed."""
        from plastic_rl.sb3 import fresh_at_changes

        make = partial(self._agent, device=device)
        model = make(env, seed=seed)
        fresh_at_changes(model, make)
        return self._with_ears(model)
