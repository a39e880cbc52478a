"""PPO with additive parameter decomposition of its actor (Yoon et al., ICLR 2020, brought into reinforcement learning).

There is no published setting for PPO; `sparsity` is within the range that the pilot of the library found useful, all
else are the library's defaults (docs/additive_parameter_decomposition.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from agents.apd import CENTRES
from agents.ppo import PPO
from launch.quantities import Count, NonNegative, OneOf, Range

if TYPE_CHECKING:
    from stable_baselines3 import PPO as StableBaselinesPPO
    from stable_baselines3.common.vec_env import VecEnv


@dataclass
class PPOAPD(PPO):
    """PPO that remembers the policy of each task of the world, and begins with it when the task returns."""

    tasks_from: Annotated[str, OneOf(("announced", "detected"))] = "announced"  # info["task"], or what follows what
    sparsity: NonNegative = 0.2  # λ': a task leaves the shared weights where Adam's direction is larger than this
    drift: NonNegative = 1.0  # the price at which old tasks let shared weights move; inf freezes what they read
    form: Annotated[str, OneOf(("hierarchical", "retroactive", "fixed"))] = "hierarchical"  # APD(2), APD(1), APD-Fixed
    tolerance: NonNegative = 0.0  # by how much a weight of an old task may move in all its life
    initial_mask: Annotated[float, Range(0, 1, low_included=False)] = 0.5  # of a new task; 1 switches masks off
    groups: Count = 2  # K: groups that each consolidation adds
    every: Count = 5  # s: tasks from one consolidation to the next
    spread: NonNegative = 0.0  # β: within it members of a group share a weight; 0 merges without loss
    centre: Annotated[str, OneOf(CENTRES)] = "midrange"  # of a group; with a spread of 0 both are the same

    def build(self, env: VecEnv, *, seed: int, device: str) -> StableBaselinesPPO:
        """Return PPO on `env` with a decomposed actor; critic, action head and `log_std` are each task's own."""
        from plastic_rl.sb3 import detect_tasks, remember_tasks

        model = super().build(env, seed=seed, device=device)
        own = ("sparsity", "drift", "form", "tolerance", "initial_mask", "groups", "every", "spread", "centre")
        settings = {name: getattr(self, name) for name in own}
        if self.tasks_from == "announced":
            remember_tasks(model, **settings)
        else:
            remember_tasks(model, first_task=0, **settings)
            detect_tasks(model)
        return model
