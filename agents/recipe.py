"""What every agent's recipe is: settings, and how a learner is built from them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
    from stable_baselines3.common.vec_env import VecEnv


@dataclass
class Agent(ABC):
    """The settings of a learner, each value written once, with its source beside it."""

    @abstractmethod
    def build(self, env: VecEnv, *, seed: int, device: str) -> OnPolicyAlgorithm:
        """Return the learner, untrained.

        Args:
            env: The sub-environments that the learner acts in.
            seed: Seed of the learner's weights, actions and minibatches.
            device: A torch device, or "auto".
        """
