"""The actor and the critic of a policy, without graphs and distribution objects."""

from __future__ import annotations

import math

import numpy as np
import torch
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import MlpExtractor
from torch import Tensor, nn

from plastic_rl.sb3.lean.heads import CategoricalHead, GaussianHead, Head
from plastic_rl.sb3.lean.perceptron import Perceptron, has_hooks, tell
from plastic_rl.sb3.lean.products import Products, quick_products
from plastic_rl.sb3.lean.quick_heads import QuickCategoricalHead, QuickGaussianHead


class Networks:
    """The actor and the critic of a policy that `why_not` has found nothing against.

    Args:
        policy: the policy; its weights stay where they are.
        rows: that they are given at a time.
        is_exact: take the products that autograd takes.
    """

    def __init__(self, policy: ActorCriticPolicy, rows: int, *, is_exact: bool) -> None:
        products = Products() if is_exact else quick_products(rows, policy.parameters())
        extractor, action_net = policy.mlp_extractor, policy.action_net
        assert isinstance(extractor, MlpExtractor)
        assert isinstance(action_net, nn.Linear)
        self.actor = Perceptron(extractor.policy_net, action_net, products)
        self.critic = Perceptron(extractor.value_net, policy.value_net, products)
        self.head = head_of(policy, is_exact=is_exact)
        self.entry = policy.features_extractor
        self.is_entry_listened = has_hooks(self.entry)

    def enter(self, observations: Tensor) -> None:
        """Runs the hooks of the policy's entry, its features extractor, on a minibatch that is learned from."""
        if self.is_entry_listened:
            tell(self.entry, observations, observations)

    @torch.no_grad()
    def act(self, observations: np.ndarray, *, judges: bool = True) -> tuple[Tensor, Tensor | None, Tensor]:
        """Actions for some observations, the critic's values (of shape (copies, 1)), and log-probabilities.

        Args:
            observations: one for each copy.
            judges: False for no values.

        Raises:
            ValueError: torch's, where the actor's outputs are no numbers.
        """
        seen = as_rows(observations)
        outputs, values = self.actor.outputs(seen), self.critic.outputs(seen) if judges else None
        actions, log_probs = self.head.draw(outputs)
        self.check(outputs, log_probs)
        return actions, values, log_probs

    @torch.no_grad()
    def values(self, observations: np.ndarray) -> Tensor:
        """The critic's values, of shape (observations, 1)."""
        return self.critic.outputs(as_rows(observations))

    def check(self, outputs: Tensor, log_probs: Tensor) -> None:
        """Has torch look at outputs from which no probabilities follow.

        Raises:
            ValueError: torch's, if it refuses them.
        """
        if not (math.isfinite(outputs.sum().item()) and math.isfinite(log_probs.sum().item())):
            self.head.refuse(outputs)


def head_of(policy: ActorCriticPolicy, *, is_exact: bool) -> Head:
    """The distribution of a policy's actions."""
    if hasattr(policy, "log_std"):
        return GaussianHead(policy) if is_exact else QuickGaussianHead(policy)
    return CategoricalHead() if is_exact else QuickCategoricalHead()


def as_rows(observations: np.ndarray) -> Tensor:
    """Observations as networks take them in, one a row."""
    seen = torch.as_tensor(observations, dtype=torch.float32)
    return seen if seen.ndim == 2 else seen.flatten(1)
