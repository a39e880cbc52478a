"""Every algorithm of SB3 and sb3-contrib that moves a network by an optimiser, small and quick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import sb3_contrib
import stable_baselines3
from sb3_contrib.common.envs import InvalidActionEnvDiscrete
from stable_baselines3.common.base_class import BaseAlgorithm

ACTOR_CRITIC = [
    "mlp_extractor.policy_net.0",
    "mlp_extractor.policy_net.2",
    "mlp_extractor.value_net.0",
    "mlp_extractor.value_net.2",
]
TWO_CRITICS = ["qf0.0", "qf0.2", "qf1.0", "qf1.2"]
ON_POLICY = {"n_steps": 32, "batch_size": 16}
OFF_POLICY = {"learning_starts": 10, "batch_size": 8}


@dataclass(frozen=True)
class Case:
    """An algorithm, where it learns, and the layers that each of its optimisers is to have replaced.

    Args:
        algorithm: the class.
        watched: for each wrapped optimiser the names of its hidden layers.
        updates: how many updates each wrapped optimiser makes in 64 environment steps.
        settings: beyond the defaults.
        policy_kwargs: beyond two layers of 8 units.
        env: makes the environment.
        policy: the policy's name.
    """

    algorithm: type[BaseAlgorithm]
    watched: list[list[str]]
    updates: list[int]
    settings: dict[str, Any]
    policy_kwargs: dict[str, Any] = field(default_factory=dict)
    env: Callable[[], gymnasium.Env] = lambda: gymnasium.make("CartPole-v1")
    policy: str = "MlpPolicy"

    def make(self, kind: Callable[..., Any] = lambda algorithm: algorithm, **more: Any) -> Any:
        """A fresh model; with ``kind=plastic`` a plastic one."""
        settings = {"seed": 0, "device": "cpu", **self.settings, **more}
        settings.setdefault("policy_kwargs", {"net_arch": [8, 8], **self.policy_kwargs})
        return kind(self.algorithm)(self.policy, self.env(), **settings)


def pendulum() -> gymnasium.Env:
    return gymnasium.make("Pendulum-v1")


def masked() -> gymnasium.Env:
    return InvalidActionEnvDiscrete(dim=6, n_invalid_actions=3)


CASES = {
    case.algorithm.__name__: case
    for case in [
        Case(stable_baselines3.PPO, [ACTOR_CRITIC], [2 * 2 * 10], ON_POLICY),
        Case(stable_baselines3.A2C, [ACTOR_CRITIC], [13], {}),
        Case(stable_baselines3.SAC, [["latent_pi.0", "latent_pi.2"], TWO_CRITICS], [54, 54], OFF_POLICY, env=pendulum),
        Case(stable_baselines3.TD3, [["mu.0", "mu.2"], TWO_CRITICS], [27, 54], OFF_POLICY, env=pendulum),
        Case(stable_baselines3.DDPG, [["mu.0", "mu.2"], ["qf0.0", "qf0.2"]], [54, 54], OFF_POLICY, env=pendulum),
        Case(
            stable_baselines3.DQN,
            [["q_net.0", "q_net.2"]],
            [54],
            {**OFF_POLICY, "train_freq": 1, "target_update_interval": 20},
        ),
        Case(sb3_contrib.TQC, [["latent_pi.0", "latent_pi.2"], TWO_CRITICS], [54, 54], OFF_POLICY, env=pendulum),
        Case(
            sb3_contrib.QRDQN,
            [["quantile_net.0", "quantile_net.2"]],
            [54],
            {**OFF_POLICY, "train_freq": 1, "target_update_interval": 20},
            {"n_quantiles": 5},
        ),
        Case(
            sb3_contrib.CrossQ,
            [["latent_pi.1", "latent_pi.4"], ["qf0.1", "qf0.4", "qf1.1", "qf1.4"]],
            [18, 54],
            OFF_POLICY,
            env=pendulum,
        ),
        Case(sb3_contrib.TRPO, [ACTOR_CRITIC[2:]], [2 * 2 * 10], ON_POLICY),
        Case(
            sb3_contrib.RecurrentPPO,
            [[*ACTOR_CRITIC, "lstm_actor", "lstm_critic"]],
            [2 * 2 * 10],
            ON_POLICY,
            {"lstm_hidden_size": 8},
            policy="MlpLstmPolicy",
        ),
        Case(sb3_contrib.MaskablePPO, [ACTOR_CRITIC], [2 * 2 * 10], ON_POLICY, env=masked),
    ]
}
