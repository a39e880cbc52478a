"""The ways through SB3's policies, which its algorithms do not call as modules: policies begin at their features."""

from __future__ import annotations

from typing import Any

import torch
from stable_baselines3.common.distributions import (
    BernoulliDistribution,
    CategoricalDistribution,
    Distribution,
    MultiCategoricalDistribution,
)
from torch import Tensor, nn

from plastic_rl.optim.passages import Passage


def passage_of_policy(network: Any) -> Passage:
    """The way through an actor-critic policy, an actor that draws its actions, or any other network of SB3.

    Raises:
        ValueError: the policy is recurrent.
    """
    if hasattr(network, "lstm_actor"):
        raise ValueError(
            f"{type(network).__name__} cannot be run again on a minibatch without the memory of its LSTM: use this "
            "method with a policy that is not recurrent"
        )
    if hasattr(network, "mlp_extractor"):
        return _actor_critic(network)
    if hasattr(network, "latent_pi"):
        return _drawing_actor(network)
    return Passage(network, network, network)


def _actor_critic(policy: Any) -> Passage:
    """The policy's logits, or means, are its answer; what its critic says is not."""
    extractors = (policy.features_extractor,) * 2
    if not policy.share_features_extractor:
        extractors = (policy.pi_features_extractor, policy.vf_features_extractor)

    def answer(observations: Any) -> Tensor:
        outputs = policy.action_net(policy.mlp_extractor.forward_actor(extractors[0](observations)))
        is_yes_or_no = isinstance(policy.action_dist, BernoulliDistribution)
        return torch.stack([outputs, torch.zeros_like(outputs)], -1).flatten(1) if is_yes_or_no else outputs

    def run(observations: Any) -> tuple[Tensor, Tensor]:
        values = policy.value_net(policy.mlp_extractor.forward_critic(extractors[1](observations)))
        return answer(observations), values

    return Passage(extractors[0], run, answer, categories(policy.action_dist))


def _drawing_actor(actor: Any) -> Passage:
    """The means are the answer, before they are squashed."""

    def answer(observations: Any) -> Tensor:
        return actor.mu(actor.latent_pi(actor.features_extractor(observations)))

    def run(observations: Any) -> tuple[Tensor, ...]:
        latent = actor.latent_pi(actor.features_extractor(observations))
        heads = (actor.mu, actor.log_std) if isinstance(actor.log_std, nn.Module) else (actor.mu,)
        return tuple(head(latent) for head in heads)

    return Passage(actor.features_extractor, run, answer)


def categories(distribution: Distribution) -> list[int]:
    """The numbers of classes of the distributions that actions are drawn from; none for numbers."""
    if isinstance(distribution, CategoricalDistribution):
        return [distribution.action_dim]
    if isinstance(distribution, MultiCategoricalDistribution):
        return [int(size) for size in distribution.action_dims]
    return [2] * distribution.action_dims if isinstance(distribution, BernoulliDistribution) else []
