"""Twin delayed deep deterministic policy gradient (Fujimoto et al., ICML 2018)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from agents.replay import ReplayAgent
from plastic_rl.choices import Actions
from plastic_rl.settings import Count, NonNegative, Positive, Rate

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv


@dataclass
class TD3(ReplayAgent):
    """Twin delayed DDPG: off-policy, two critics, a deterministic actor that lags (Fujimoto et al. 2018)."""

    label: ClassVar[str] = "TD3"
    actions: ClassVar[frozenset[Actions]] = frozenset({Actions.continuous})

    # The values of the authors' code (sfujim/TD3, which has newer ones than the paper); `learning_starts` is rl-zoo's
    # for MuJoCo, where theirs is 25,000.
    learning_rate: Positive = 3e-4
    tau: Rate = 0.005  # share of the way that target networks go, an update of the actor
    policy_delay: Count = 2  # updates of the critics for each of the actor
    exploration_noise: NonNegative = 0.1  # standard deviation, in units of half the range of actions
    target_noise: NonNegative = 0.2  # the same of the target's actions
    target_noise_clip: NonNegative = 0.5

    def _stable_baselines(self) -> type[BaseAlgorithm]:
        from stable_baselines3 import TD3 as StableBaselinesTD3

        return StableBaselinesTD3

    def _own_settings(self, env: VecEnv) -> dict[str, Any]:
        import numpy as np
        from stable_baselines3.common.noise import NormalActionNoise

        shape = env.action_space.shape
        return {
            "tau": self.tau,
            "policy_delay": self.policy_delay,
            "target_policy_noise": self.target_noise,
            "target_noise_clip": self.target_noise_clip,
            "action_noise": NormalActionNoise(np.zeros(shape or ()), np.full(shape or (), self.exploration_noise)),
        }
