"""CrossQ (Bhatt et al., ICLR 2024), in sb3-contrib."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from agents.acting import NO_ROOM
from agents.replay import ReplayAgent
from plastic_rl.choices import Actions
from plastic_rl.settings import Count, NonNegativeInteger, Positive

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv


@dataclass
class CrossQ(ReplayAgent):
    """SAC with batch renormalisation and wide critics in place of target networks (Bhatt et al. 2024)."""

    label: ClassVar[str] = "CrossQ"
    cannot_have: ClassVar[Mapping[str, str]] = {
        **ReplayAgent.cannot_have,
        **NO_ROOM,
        "plasticity_injection": "as batch renormalisation treats two equal heads side by side differently",
    }
    actions: ClassVar[frozenset[Actions]] = frozenset({Actions.continuous})

    # The paper's, as rl-zoo has them for MuJoCo.
    learning_rate: Positive = 1e-3
    learning_starts: NonNegativeInteger = 5_000
    critic_units: Count = 2048  # of each hidden layer of the critics
    policy_delay: Count = 3  # updates of the critics for each of the actor

    def _stable_baselines(self) -> type[BaseAlgorithm]:
        from sb3_contrib import CrossQ as ContribCrossQ

        return ContribCrossQ

    def _own_settings(self, env: VecEnv) -> dict[str, Any]:
        return {"policy_delay": self.policy_delay}

    def _policy(self) -> dict[str, Any]:
        actor, critic = [self.hidden_units] * self.hidden_layers, [self.critic_units] * self.hidden_layers
        return {**super()._policy(), "net_arch": {"pi": actor, "qf": critic}}
