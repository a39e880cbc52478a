"""Advantage actor-critic (Mnih et al., ICML 2016), in step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from agents.acting import RolloutAgent
from plastic_rl.settings import Count, NonNegative, OneOf, Positive, PositiveOrInfinite, Rate

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv


@dataclass
class A2C(RolloutAgent):
    """Advantage actor-critic: one update on each rollout of a few steps, by RMSprop (Mnih et al. 2016)."""

    label: ClassVar[str] = "A2C"
    tuned_apart: ClassVar[bool] = True
    cannot_have: ClassVar[Mapping[str, str]] = {"adam_rel": "as its optimiser is RMSprop"}

    # Stable-Baselines3's, with which rl-zoo trains CartPole and MuJoCo.
    learning_rate: Positive = 7e-4  # constant
    hidden_layers: Count = 2  # of policy and value each
    hidden_units: Count = 64  # tanh
    rollout_steps: Count = 40  # environment steps between updates, over all sub-environments: 5 of each of 8
    discount: Rate = 0.99
    gae_lambda: Rate = 1.0
    value_coefficient: NonNegative = 0.5
    entropy_coefficient: NonNegative = 0.0
    max_gradient_norm: PositiveOrInfinite = 0.5
    # What a running mean and variance keep from a step to the next, by which observations are normalised: 0.999
    # follows a change, 1 is Stable-Baselines3's VecNormalize, 0 normalises nothing.
    normalize_inputs: Rate = 0.0
    # How methods that act at changes hear of them: from info["task"], or from what follows what in the world.
    changes_from: Annotated[str, OneOf(("announced", "detected"))] = "announced"

    def build(self, env: VecEnv, *, seed: int, device: str) -> BaseAlgorithm:
        env = self._normalized(env)
        model = self.algorithm()(
            self._policy_for(env),
            env,
            learning_rate=self.learning_rate,
            n_steps=self._steps_of_each(env.num_envs),
            gamma=self.discount,
            gae_lambda=self.gae_lambda,
            ent_coef=self.entropy_coefficient,
            vf_coef=self.value_coefficient,
            max_grad_norm=self.max_gradient_norm,
            policy_kwargs=self._policy(),
            plasticity=self.plasticity(),
            seed=seed,
            device=device,
        )
        return self._with_ears(model)

    def _stable_baselines(self) -> type[BaseAlgorithm]:
        from stable_baselines3 import A2C as StableBaselinesA2C

        return StableBaselinesA2C

    def _policy(self) -> dict[str, Any]:
        from plastic_rl.sb3 import trunk

        options = self.network_options()
        return {"net_arch": [self.hidden_units] * self.hidden_layers, **(trunk(**options) if options else {})}
