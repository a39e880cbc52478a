"""Deep Q-network (Mnih et al., Nature 518, 2015), small enough for classic control."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from agents.replay import ReplayAgent
from plastic_rl.choices import Actions
from plastic_rl.settings import Count, NonNegativeInteger, Positive, PositiveOrInfinite, Rate

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv


@dataclass
class DQN(ReplayAgent):
    """Deep Q-network: off-policy, one network of the values of all actions, and a copy of it (Mnih et al. 2015)."""

    label: ClassVar[str] = "DQN"
    actions: ClassVar[frozenset[Actions]] = frozenset({Actions.discrete})

    # rl-zoo's for LunarLander and Acrobot (dqn.yml; `learning_starts` of CartPole, which learns from more than four
    # transitions at once); the paper's are for Atari's images.
    learning_rate: Positive = 6.3e-4
    minibatch_size: Count = 128
    replay_size: Count = 50_000
    learning_starts: NonNegativeInteger = 1_000
    update_every: Count = 4
    target_every: Count = 250  # environment steps between two copies of the network to the target
    # The share of random actions falls from the first to the last within a fraction of the run, and stays there.
    exploration_first: Rate = 1.0
    exploration_last: Rate = 0.1
    exploration_fraction: Rate = 0.12  # of total_steps: at length a world is explored in its first task alone
    max_gradient_norm: PositiveOrInfinite = 10.0

    def _stable_baselines(self) -> type[BaseAlgorithm]:
        from stable_baselines3 import DQN as StableBaselinesDQN

        return StableBaselinesDQN

    def _own_settings(self, env: VecEnv) -> dict[str, Any]:
        return {
            "target_update_interval": self.target_every,
            "exploration_initial_eps": self.exploration_first,
            "exploration_final_eps": self.exploration_last,
            "exploration_fraction": self.exploration_fraction,
            "max_grad_norm": self.max_gradient_norm,
        }
