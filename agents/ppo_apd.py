"""PPO with additive parameter decomposition of its actor (Yoon et al., ICLR 2020, brought into reinforcement learning).

There is no published setting for PPO; `sparsity` is within the range that the pilot of the library found useful, all
else are the library's defaults (docs/additive_parameter_decomposition.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from agents.decomposition import Decomposed
from agents.ppo import PPO
from plastic_rl.settings import OneOf

if TYPE_CHECKING:
    from stable_baselines3 import PPO as StableBaselinesPPO
    from stable_baselines3.common.vec_env import VecEnv


@dataclass
class PPOAPD(Decomposed, PPO):
    """PPO that remembers the policy of each task of the world, and begins with it when the task returns."""

    tasks_from: Annotated[str, OneOf(("announced", "detected"))] = "announced"  # info["task"], or what follows what

    def build(self, env: VecEnv, *, seed: int, device: str) -> StableBaselinesPPO:
        """Return PPO on `env` with a decomposed actor; critic, action head and `log_std` are each task's own."""
        from plastic_rl.sb3 import detect_tasks, remember_tasks

        model = super().build(env, seed=seed, device=device)
        if self.tasks_from == "announced":
            remember_tasks(model, **self.decomposition())
        else:
            remember_tasks(model, first_task=0, **self.decomposition())
            detect_tasks(model)
        return model
