"""PPO whose policy and value each have a memory, an LSTM (sb3-contrib's RecurrentPPO)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from agents.acting import NO_ROOM, RolloutAgent
from plastic_rl.settings import Count, NonNegative, OneOf, Positive, PositiveOrInfinite, Rate

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv


@dataclass
class RecurrentPPO(RolloutAgent):
    """PPO with an LSTM before policy and value each, so that it can tell from the past in which world it is."""

    label: ClassVar[str] = "PPO with an LSTM"
    tuned_apart: ClassVar[bool] = True
    cannot_have: ClassVar[Mapping[str, str]] = {
        **NO_ROOM,
        **dict.fromkeys(("churn", "infer", "pfo"), "as no minibatch can be run again without the memory of the LSTM"),
    }

    learning_rate: Positive = 3e-4  # constant
    hidden_layers: Count = 2  # behind the memory
    hidden_units: Count = 64  # tanh, as in Stable-Baselines3
    memory_units: Count = 64  # of each LSTM
    rollout_steps: Count = 2048  # environment steps between updates, over all sub-environments together
    epochs: Count = 10
    minibatch_size: Count = 128  # of steps that follow one another
    discount: Rate = 0.99
    gae_lambda: Rate = 0.95
    clip_range: Positive = 0.2
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
            self._policy_for(env).replace("Policy", "LstmPolicy"),
            env,
            learning_rate=self.learning_rate,
            n_steps=self._steps_of_each(env.num_envs),
            batch_size=self.minibatch_size,
            n_epochs=self.epochs,
            gamma=self.discount,
            gae_lambda=self.gae_lambda,
            clip_range=self.clip_range,
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
        from sb3_contrib import RecurrentPPO as ContribRecurrentPPO

        return ContribRecurrentPPO

    def _policy(self) -> dict[str, Any]:
        from plastic_rl.sb3 import trunk

        options = self.network_options()
        hidden = {"net_arch": [self.hidden_units] * self.hidden_layers, "lstm_hidden_size": self.memory_units}
        return {**hidden, **(trunk(**options) if options else {})}
