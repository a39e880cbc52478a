"""Policies of Stable-Baselines3 for non-linearities that give two numbers for each unit, such as CReLU.

Stable-Baselines3 makes a layer as wide as what the next one reads. Here the layer before such a non-linearity is made
half as wide, so that ``net_arch`` says, as ever, how many numbers the next layer reads.
"""

from __future__ import annotations

import itertools
from typing import Any, TypeVar

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.dqn.policies import DQNPolicy
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy
from torch import nn

from plastic_rl.networks import outputs_before
from plastic_rl.sb3.trunk import Nonlinearity

Module = TypeVar("Module", bound=nn.Module)


def halve_(network: Module) -> Module:
    """Takes away every second half of the outputs of linear layers before non-linearities that double them.

    Raises:
        ValueError: a layer has an odd number of outputs.
    """
    for sequence in [module for module in network.modules() if type(module) is nn.Sequential]:
        for layer, behind in itertools.pairwise(sequence):
            if isinstance(layer, nn.Linear) and isinstance(behind, Nonlinearity) and behind.doubles:
                _keep_rows(layer, outputs_before(layer.out_features, behind.activation))
                behind.is_halved = True
    return network


def _keep_rows(layer: nn.Linear, outputs: int) -> None:
    layer.out_features = outputs
    layer.weight = nn.Parameter(layer.weight.detach()[:outputs].clone())
    if layer.bias is not None:
        layer.bias = nn.Parameter(layer.bias.detach()[:outputs].clone())


class HalvedActorCriticPolicy(ActorCriticPolicy):
    """The policy of PPO and A2C."""

    def _build_mlp_extractor(self) -> None:
        super()._build_mlp_extractor()
        halve_(self.mlp_extractor)


class HalvedSACPolicy(SACPolicy):
    """The policy of SAC."""

    def make_actor(self, *args: Any, **named: Any) -> Any:
        """The actor, its layers halved."""
        return halve_(super().make_actor(*args, **named))

    def make_critic(self, *args: Any, **named: Any) -> Any:
        """A critic, its layers halved."""
        return halve_(super().make_critic(*args, **named))


class HalvedTD3Policy(TD3Policy):
    """The policy of TD3 and DDPG."""

    def make_actor(self, *args: Any, **named: Any) -> Any:
        """An actor, its layers halved."""
        return halve_(super().make_actor(*args, **named))

    def make_critic(self, *args: Any, **named: Any) -> Any:
        """A critic, its layers halved."""
        return halve_(super().make_critic(*args, **named))


class HalvedDQNPolicy(DQNPolicy):
    """The policy of DQN."""

    def make_q_net(self) -> Any:
        """A Q-network, its layers halved."""
        return halve_(super().make_q_net())


HALVED: dict[type[BasePolicy], type[BasePolicy]] = {
    ActorCriticPolicy: HalvedActorCriticPolicy,
    SACPolicy: HalvedSACPolicy,
    TD3Policy: HalvedTD3Policy,
    DQNPolicy: HalvedDQNPolicy,
}


def mlp_policy(algorithm: type[BaseAlgorithm]) -> type[BasePolicy]:
    """The policy class to give an algorithm in place of "MlpPolicy", for non-linearities that double their input.

    ::

        model = PPO(mlp_policy(PPO), env, policy_kwargs=trunk(activation="crelu"))

    With any other non-linearity it is the same as "MlpPolicy".

    Args:
        algorithm: PPO, A2C, SAC, TD3, DDPG or DQN, or another one with a policy of these.

    Raises:
        ValueError: the algorithm has a policy of its own.
    """
    plain = algorithm.policy_aliases.get("MlpPolicy")
    if plain not in HALVED:
        known = ", ".join(policy.__name__ for policy in HALVED)
        raise ValueError(
            f"{algorithm.__name__} has no policy whose layers can be halved (one of {known}): "
            "take an activation that gives one number for each unit"
        )
    return HALVED[plain]
