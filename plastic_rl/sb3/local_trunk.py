"""An actor and a critic on one trunk that learns by local losses, and nothing from them."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from gymnasium import spaces
from jaxtyping import Float
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.preprocessing import get_action_dim
from stable_baselines3.common.type_aliases import RolloutBufferSamples
from torch import Tensor, nn

from plastic_rl.networks import LocalMLP
from plastic_rl.nn.local import Joint, LocalHSIC, OneHot, Standardized, TargetEncoder

TARGETS = ("returns", "advantages", "actions", "next_observations")


class LocalTrunk(nn.Module):
    """The mlp extractor of the policy: the activations of all blocks side by side, for heads that send nothing back.

    Args:
        trainer: of the blocks, without a readout.
    """

    def __init__(self, trainer: LocalHSIC) -> None:
        super().__init__()
        self.trainer = trainer
        self.latent_dim_pi = self.latent_dim_vf = sum(trainer.widths)

    def forward(self, features: Float[Tensor, "batch _"]) -> tuple[Float[Tensor, "batch _"], Float[Tensor, "batch _"]]:
        """The features of the actor and of the critic, which are the same."""
        latent = self.forward_actor(features)
        return latent, latent

    def forward_actor(self, features: Float[Tensor, "batch _"]) -> Float[Tensor, "batch _"]:
        """The features of the actor."""
        return torch.cat(self.trainer.features(features), 1)

    def forward_critic(self, features: Float[Tensor, "batch _"]) -> Float[Tensor, "batch _"]:
        """The features of the critic."""
        return self.forward_actor(features)


class LocalTrunkPolicy(ActorCriticPolicy):
    """Linear heads for actor and critic on one trunk, whose blocks are trained by local losses towards rollout targets.

    The policy's own optimiser never finds a gradient in the trunk, whose blocks have optimisers of their own;
    everything is in `state_dict()`. Blocks are a linear layer, layer normalisation and ``activation_fn``; ``net_arch``
    is a list of their widths.

    Args:
        targets: what the blocks are trained towards, joined by "+": "returns", "advantages", "actions",
            "next_observations".
        estimator: the blocks' objective (:mod:`plastic_rl.nn.local.choices`).
        trunk_learning_rate: of the blocks' Adam.
        settings: those of `ActorCriticPolicy`.

    Raises:
        ValueError: for unknown targets, actions that cannot be targets, or a features extractor with weights.
    """

    def __init__(
        self,
        *settings: Any,
        targets: str = "returns",
        estimator: str = "ridge",
        trunk_learning_rate: float = 1e-3,
        **named: Any,
    ) -> None:
        self.targets, self.estimator, self.trunk_learning_rate = targets, estimator, trunk_learning_rate
        super().__init__(*settings, **{"net_arch": [64, 64], **named})

    def _build_mlp_extractor(self) -> None:
        if any(True for _ in self.features_extractor.parameters()):
            raise ValueError(
                f"{type(self.features_extractor).__name__} has weights, which nothing would train: the trunk takes "
                "observations as they are (FlattenExtractor)"
            )
        if not isinstance(self.net_arch, list):
            raise ValueError(f"actor and critic share the trunk: net_arch is a list of widths, got {self.net_arch}")
        trainer = LocalHSIC(
            LocalMLP((self.features_dim,), self.net_arch, normalization="layer", activation=self.activation_fn),
            torch.zeros(1, self.features_dim),
            target_encoder=self._target_encoder(),
            estimator=self.estimator,
            readout=None,
            optimizer=partial(torch.optim.Adam, lr=self.trunk_learning_rate),
        )
        self.mlp_extractor = LocalTrunk(trainer)

    def _target_encoder(self) -> TargetEncoder:
        names = self.targets.split("+")
        unknown = sorted(set(names) - set(TARGETS))
        if unknown or len(set(names)) < len(names):
            raise ValueError(f"targets must be some of {', '.join(TARGETS)}, joined by +; got {self.targets!r}")
        return Joint(**{name: self._encoder(name) for name in names})

    def _encoder(self, target: str) -> TargetEncoder:
        if target == "next_observations":
            return Standardized(self.features_dim)
        if target != "actions":
            return Standardized()
        if isinstance(self.action_space, spaces.Discrete):
            return OneHot(int(self.action_space.n))
        if isinstance(self.action_space, spaces.Box):
            return Standardized(get_action_dim(self.action_space))
        raise ValueError(f"actions can be targets if they are Discrete or Box, not {self.action_space}")

    @property
    def trainer(self) -> LocalHSIC:
        """The trainer of the blocks."""
        return self.mlp_extractor.trainer

    def learn_locally(self, samples: RolloutBufferSamples, next_observations: Tensor) -> None:
        """One step of every block on a minibatch."""
        actions = samples.actions
        offered = {
            "returns": samples.returns,
            "advantages": samples.advantages,
            "actions": actions.long().flatten() if isinstance(self.action_space, spaces.Discrete) else actions,
        }
        chosen: dict[str, Tensor] = {}
        for name in self.targets.split("+"):
            chosen[name] = self._flat(next_observations) if name == "next_observations" else offered[name]
        self.trainer.update(self._flat(samples.observations), chosen)

    def _flat(self, observations: Any) -> Tensor:
        """Observations as the trunk takes them in."""
        return super(ActorCriticPolicy, self).extract_features(observations, self.features_extractor)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        settings = {name: getattr(self, name) for name in ("targets", "estimator", "trunk_learning_rate")}
        return super()._get_constructor_parameters() | settings
