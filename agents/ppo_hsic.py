"""PPO on a trunk that is trained by local losses.

Nothing of the kind is published. The trunk is what explained returns best in our pilot (layer normalisation, the ridge
score, returns as targets); the rest is plain PPO.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from agents.ppo import PPO
from plastic_rl.choices import Estimator
from plastic_rl.settings import OneOf, Positive


@dataclass
class PPOHSIC(PPO):
    """PPO whose heads alone learn by its loss; the trunk under them learns from the rollout, block by block."""

    targets: str = "returns"  # of the trunk: returns, advantages, actions, next_observations; several joined by +
    estimator: Annotated[str, OneOf(tuple(Estimator))] = "ridge"  # what a block is trained by
    trunk_learning_rate: Positive = 3e-4  # of the blocks' Adam, a step a minibatch; slow enough for heads to follow

    def algorithm(self) -> Callable[..., Any]:
        from plastic_rl.sb3 import plastic
        from plastic_rl.sb3.local_ppo import LocalPPO

        return plastic(LocalPPO)

    def _policy(self) -> dict[str, Any]:
        self._refuse_network_options("the locally trained trunk of ppo_hsic")
        return {
            **super()._policy(),
            "net_arch": [self.hidden_units] * self.hidden_layers,
            "share_features_extractor": True,
            "targets": self.targets,
            "estimator": self.estimator,
            "trunk_learning_rate": self.trunk_learning_rate,
        }
