"""The policy of streaming control: two sparse, normalised networks, and an optimiser with traces for each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gymnasium
import torch
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.preprocessing import get_flattened_obs_dim
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn
from torch.nn import functional

from plastic_rl.choices import StreamingUpdate
from plastic_rl.networks import InputNormalization
from plastic_rl.networks.sparse_init import sparse_init_
from plastic_rl.optim.step_sizes import IntentionalUpdates, ObGD, SlopeOptimizer


class ScaledObservations(BaseFeaturesExtractor):
    """Observations of a mean of 0 and a variance of 1, as they have been so far.

    Args:
        observation_space: of vectors or numbers.
        decay: of the running moments (:class:`plastic_rl.networks.InputNormalization`); 1 forgets nothing.
    """

    def __init__(self, observation_space: gymnasium.Space, decay: float = 1.0) -> None:
        width = get_flattened_obs_dim(observation_space)
        super().__init__(observation_space, width)
        self.normalization = InputNormalization((width,), decay=decay)

    def train(self, mode: bool = True) -> ScaledObservations:
        """Leaves the moments alone: an observation is taken in once, by :meth:`take_in`."""
        super().train(mode)
        self.normalization.eval()
        return self

    def take_in(self, observations: Tensor) -> Tensor:
        """The observations, normalised by moments of which they are a part."""
        self.normalization.train()
        features = self.forward(observations)
        self.normalization.eval()
        return features

    def forward(self, observations: Tensor) -> Tensor:
        return self.normalization(observations.flatten(1).float())  # MuJoCo's are of double precision


class UnscaledLayerNorm(nn.Module):
    """Layer normalisation without parameters."""

    def forward(self, inputs: Tensor) -> Tensor:
        return functional.layer_norm(inputs, inputs.shape[-1:])


class Branches(nn.Module):
    """Hidden layers of the policy, and others of the value: linear, layer normalisation, leaky ReLU, twice.

    Args:
        inputs: features.
        units: of each layer.
    """

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.latent_dim_pi = self.latent_dim_vf = units
        self.policy_net, self.value_net = self._branch(inputs, units), self._branch(inputs, units)

    def _branch(self, inputs: int, units: int) -> nn.Sequential:
        return nn.Sequential(
            *(nn.Linear(inputs, units), UnscaledLayerNorm(), nn.LeakyReLU()),
            *(nn.Linear(units, units), UnscaledLayerNorm(), nn.LeakyReLU()),
        )

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return self.forward_actor(features), self.forward_critic(features)

    def forward_actor(self, features: Tensor) -> Tensor:
        """The last hidden layer of the policy."""
        return self.policy_net(features)

    def forward_critic(self, features: Tensor) -> Tensor:
        """The last hidden layer of the value."""
        return self.value_net(features)


class RewardScaling(nn.Module):
    """Rewards over the standard deviation of discounted returns so far.

    Args:
        discount: γ, of the returns.
    """

    trace: Tensor
    moments: Tensor

    def __init__(self, discount: float) -> None:
        super().__init__()
        self.discount = discount
        self.register_buffer("trace", torch.zeros((), dtype=torch.float64))
        self.register_buffer("moments", torch.zeros(3, dtype=torch.float64))  # count, mean, sum of squared distances

    def forward(self, reward: float, *, ends_episode: bool) -> float:
        """A reward in the units of the returns' spread."""
        value = float(self.trace) * self.discount + reward
        count, mean, squares = self.moments.tolist()
        count, shift = count + 1, value - mean
        mean += shift / count
        squares += shift * (value - mean)
        self.moments.copy_(torch.tensor([count, mean, squares], dtype=torch.float64))
        self.trace.fill_(0.0 if ends_episode else value)
        variance = squares / (count - 1) if count > 1 else 1.0
        return reward / (variance + 1e-8) ** 0.5


class StreamingPolicy(ActorCriticPolicy):
    """Policy and value as separate networks, sparse at first and with normalised layers (Elsayed et al. 2024).

    ``optimizer`` moves the value, ``actor_optimizer`` the policy. Continuous actions have a standard deviation that is
    learned, one for all states, as everywhere in Stable-Baselines3; the paper's depends on the state.

    Args:
        spaces_and_schedule: of Stable-Baselines3.
        hidden_units: of each layer.
        sparsity: the share of weights that begin at zero.
        decay: of the moments of observations.
        update: by which the networks learn. Intentional updates mean to move the log-probability of an action by a
            fixed amount; a discrete policy that is sure of itself has no such room left, so that they overshoot, and it
            may not come back.
        value_share: η of the value, of intentional updates.
        policy_share: η of the policy.
        discount: γ.
        trace_decay: λ.
        kwargs: of `ActorCriticPolicy`.
    """

    def __init__(
        self,
        *spaces_and_schedule: Any,
        hidden_units: int = 128,
        sparsity: float = 0.9,
        decay: float = 1.0,
        update: str = "auto",
        value_share: float = 0.5,
        policy_share: float = 0.05,
        discount: float = 0.99,
        trace_decay: float = 0.8,
        **kwargs: Any,
    ) -> None:
        self.hidden_units, self.sparsity = hidden_units, sparsity
        self.update, self.shares = StreamingUpdate(update), (value_share, policy_share)
        self.traces = {"discount": discount, "trace_decay": trace_decay}
        extractor = {"features_extractor_class": ScaledObservations, "features_extractor_kwargs": {"decay": decay}}
        super().__init__(*spaces_and_schedule, **{**extractor, "ortho_init": False, **kwargs})

    def _build_mlp_extractor(self) -> None:
        self.mlp_extractor: Any = Branches(self.features_dim, self.hidden_units)

    def _build(self, lr_schedule: Any) -> None:
        super()._build(lr_schedule)
        self.reward_scaling = RewardScaling(self.traces["discount"])
        for module in self.modules():
            if isinstance(module, nn.Linear):
                sparse_init_(module, self.sparsity)
        critic = [*self.mlp_extractor.value_net.parameters(), *self.value_net.parameters()]
        chosen = {id(each) for each in critic}
        actor = [each for each in self.parameters() if id(each) not in chosen]
        self.optimizer: Any = self._optimizer_of(critic, is_policy=False)
        self.actor_optimizer = self._optimizer_of(actor, is_policy=True)

    def _optimizer_of(self, parameters: Iterable[Tensor], *, is_policy: bool) -> SlopeOptimizer:
        is_continuous = isinstance(self.action_space, gymnasium.spaces.Box)
        if self.update is StreamingUpdate.obgd or (self.update is StreamingUpdate.auto and not is_continuous):
            return ObGD(parameters, caution=3.0 if is_policy else 2.0, **self.traces)
        share = self.shares[is_policy]
        return IntentionalUpdates(parameters, lr=share, scales_errors=is_policy, **self.traces)

    def value_of(self, features: Tensor) -> Tensor:
        """The value of one state, of no shape.

        Args:
            features: of it, of shape (1, features).
        """
        return self.value_net(self.mlp_extractor.forward_critic(features)).squeeze()

    def distribution_of(self, features: Tensor) -> Any:
        """The distribution of actions in one state."""
        return self._get_action_dist_from_latent(self.mlp_extractor.forward_actor(features))
