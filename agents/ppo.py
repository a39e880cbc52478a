"""PPO as Dohare et al. (Nature 632, 2024) ran it on Ant; their values are those of `lop/rl/cfg` in their code.

What Stable-Baselines3's PPO does differently from the authors':

* advantages are normalised within each minibatch; theirs once over the whole rollout;
* actions are clipped to the action space before the environment sees them; theirs go in as sampled, so that the
  control cost is that of the raw action;
* an episode cut short by its time limit is bootstrapped from the value of its last state; theirs counts as terminal;
* its own Adam is told `eps=1e-5`; the value below is passed on explicitly, as any other optimiser would lose it.

The same in both: separate networks for policy and value, the mean squared value error without a factor of one half
(times `value_coefficient`), no entropy bonus, no clipping of the value, a constant learning rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from agents.acting import RolloutAgent
from plastic_rl.choices import Lean
from plastic_rl.settings import Count, Decay, NonNegative, OneOf, Positive, PositiveOrInfinite, Rate

if TYPE_CHECKING:
    from stable_baselines3 import PPO as StableBaselinesPPO
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv


@dataclass
class PPO(RolloutAgent):
    """Standard PPO: Adam with its usual betas, no weight decay; on Ant it unlearns within millions of steps."""

    label: ClassVar[str] = "PPO"

    added_later: ClassVar[Mapping[str, object]] = {
        "normalize_inputs": 0.0,
        "changes_from": "announced",
        "lean": Lean.exact.value,
        "activation": "relu",
        "negative_slope": 0.0,
        "initialization": "lecun_uniform",
        "advantages_over": "minibatch",
    }

    learning_rate: Positive = 1e-4  # constant
    beta1: Decay = 0.9  # Adam's default
    beta2: Decay = 0.999  # Adam's default
    epsilon: Positive = 1e-8  # Adam's default
    weight_decay: NonNegative = 0.0  # added to the gradient of every parameter, as torch.optim.Adam does
    hidden_layers: Count = 2
    hidden_units: Count = 256  # half as many where each gives two numbers (CReLU)
    activation: Annotated[str, OneOf(("relu", "tanh"))] = "relu"  # of hidden units; Stable-Baselines3's own is tanh
    negative_slope: Rate = 0.0  # of hidden units below zero; 0 is ReLU
    # Of all weights: U(±√(3 / fan-in)) with biases of zero, or torch's own U(±√(1 / fan-in)) for both.
    initialization: Annotated[str, OneOf(("lecun_uniform", "torch"))] = "lecun_uniform"
    rollout_steps: Count = 2048  # environment steps between updates, over all sub-environments together
    epochs: Count = 10
    minibatch_size: Count = 128  # 16 minibatches an epoch, 160 updates a rollout
    discount: Rate = 0.99
    gae_lambda: Rate = 0.95
    clip_range: Positive = 0.2
    value_coefficient: NonNegative = 1.0
    entropy_coefficient: NonNegative = 0.0
    # No clipping: SB3 wants a number, and below it torch multiplies gradients by exactly 1, so no bit changes.
    max_gradient_norm: PositiveOrInfinite = 1e9
    normalize_advantage: bool = True
    advantages_over: Annotated[str, OneOf(("minibatch", "rollout"))] = "minibatch"  # normalised; the authors: rollout
    # What a running mean and variance keep from a step to the next, by which observations are normalised: 0.999
    # follows a change, 1 is Stable-Baselines3's VecNormalize, 0 normalises nothing.
    normalize_inputs: Rate = 0.0
    # How methods that act at changes hear of them: from info["task"], or from what follows what in the world.
    changes_from: Annotated[str, OneOf(("announced", "detected"))] = "announced"
    # The loop: `exact` has the bits of Stable-Baselines3's in less time, `quick` its numbers to rounding in still less.
    lean: Annotated[str, OneOf(tuple(Lean))] = Lean.exact.value

    def _stable_baselines(self) -> type[BaseAlgorithm]:
        from stable_baselines3 import PPO as StableBaselinesPPO

        return StableBaselinesPPO

    def build(self, env: VecEnv, *, seed: int, device: str) -> StableBaselinesPPO:
        return self._with_ears(self._agent(env, seed=seed, device=device))

    def _agent(self, env: VecEnv, *, seed: int, device: str) -> StableBaselinesPPO:
        """Return PPO on `env`, its weights drawn as the settings say in every layer, the output included."""
        from plastic_rl.sb3 import add_plasticity, redraw

        env = self._normalized(env)
        model = self.algorithm()(
            self._policy_for(env),
            env,
            learning_rate=self.learning_rate,
            n_steps=self._steps_of_each(env.num_envs),
            batch_size=self.minibatch_size,
            n_epochs=self.epochs,
            gamma=self.discount,
            gae_lambda=self.gae_lambda,
            clip_range=self.clip_range,
            **self._normalized_advantages(),
            ent_coef=self.entropy_coefficient,
            vf_coef=self.value_coefficient,
            max_grad_norm=self.max_gradient_norm,
            policy_kwargs=self._policy(),
            seed=seed,
            device=device,
            lean=self.lean,
        )
        if self.initialization == "lecun_uniform":
            redraw(model, "lecun_uniform_")
        add_plasticity(model, self.plasticity())  # not before: methods look at the weights that they find
        return model

    def _normalized_advantages(self) -> dict[str, Any]:
        """Return what says over what advantages are normalised."""
        from plastic_rl.sb3 import NormalizedRolloutBuffer

        if not self.normalize_advantage or self.advantages_over == "minibatch":
            return {"normalize_advantage": self.normalize_advantage}
        return {"normalize_advantage": False, "rollout_buffer_class": NormalizedRolloutBuffer}

    def _nonlinearity(self) -> dict[str, Any]:
        """Return what follows hidden layers, as policies are told."""
        import torch

        from plastic_rl.errors import UserError
        from plastic_rl.sb3 import trunk

        options = self.network_options()
        if self.activation == "tanh":
            self._refuse_beside_tanh(options)
            return {"activation_fn": torch.nn.Tanh}
        if not self.negative_slope:
            return trunk(**options) if options else {"activation_fn": torch.nn.ReLU}
        if "activation" in options:
            raise UserError(
                f"agent.negative_slope={self.negative_slope} is of ReLU, and this agent has {options['activation']}: "
                "agent.negative_slope=0 goes with it"
            )
        if options:
            return trunk(activation="leaky_relu", slope=self.negative_slope, **options)
        return {"activation_fn": partial(torch.nn.LeakyReLU, self.negative_slope)}

    def _refuse_beside_tanh(self, options: Mapping[str, Any]) -> None:
        from plastic_rl.errors import UserError

        given = {**({"negative_slope": self.negative_slope} if self.negative_slope else {}), **options}
        if given:
            told = ", ".join(f"{name}={value}" for name, value in given.items())
            raise UserError(
                f"agent.activation=tanh is of plain hidden units, and this agent has {told}: take relu with it"
            )

    def _policy(self) -> dict[str, Any]:
        import torch

        hidden = [self.hidden_units] * self.hidden_layers
        return {
            "net_arch": {"pi": hidden, "vf": hidden},
            **self._nonlinearity(),
            "ortho_init": False,
            "share_features_extractor": False,  # of images: as separate as the rest of policy and value
            "optimizer_class": torch.optim.Adam,
            "optimizer_kwargs": {
                "betas": (self.beta1, self.beta2),
                "eps": self.epsilon,
                "weight_decay": self.weight_decay,
            },
        }
