"""The part that all agents share that act: their methods, what they see, and how they hear of changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from agents.recipe import ReinforcementAgent

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv

    from plastic_rl.optim import Plasticity


NO_ROOM: Mapping[str, str] = dict.fromkeys(
    ("crelu", "fourier"),
    "as its policy has no room for two numbers from each unit",
)
"""The networks that an algorithm cannot have whose policy `plastic_rl.sb3.mlp_policy` does not know."""


class ActingAgent(ReinforcementAgent):
    """An agent of Stable-Baselines3, with the settings `normalize_inputs` and `changes_from`."""

    normalize_inputs: float
    changes_from: str

    def plasticity(self) -> Plasticity | None:
        """Return the method that is to wrap the optimisers, or None for the plain agent."""
        return None

    def network_options(self) -> dict[str, Any]:
        """Return what follows hidden layers, for `plastic_rl.networks.nonlinearity`; empty for ReLU alone."""
        return {}

    def check(self, sub_environments: int) -> None:
        """Refuse settings that do not go together.

        Args:
            sub_environments: The number of those that it acts in.

        Raises:
            UserError: Names them.
        """

    def algorithm(self) -> Callable[..., Any]:
        """Return what makes the learner of the algorithm's own keywords and `plasticity`."""
        from plastic_rl.sb3 import plastic

        return plastic(self._stable_baselines())

    def _with_ears(self, model: Any) -> Any:
        """Have the model's methods hear of changes as the settings say."""
        from plastic_rl.errors import UserError
        from plastic_rl.sb3 import detect_changes

        if self.changes_from == "detected":
            try:
                detect_changes(model)
            except ValueError as error:
                raise UserError(f"agent.changes_from=detected cannot be here: {error}") from error
        return model

    def _normalized(self, env: VecEnv) -> VecEnv:
        """Return what the agent sees of an environment."""
        from stable_baselines3.common.preprocessing import is_image_space

        from plastic_rl.errors import UserError
        from plastic_rl.sb3 import ForgettingNormalize

        if not self.normalize_inputs:
            return env
        if is_image_space(env.observation_space):
            raise UserError(
                f"agent.normalize_inputs={self.normalize_inputs} is for vectors: images, as this world shows them, are "
                "scaled to [0, 1] already"
            )
        return ForgettingNormalize(env, decay=self.normalize_inputs, norm_reward=False)

    def _policy_for(self, env: VecEnv) -> Any:
        """Return the policy for what an environment shows, by its name where Stable-Baselines3 has one."""
        from stable_baselines3.common.preprocessing import is_image_space

        if is_image_space(env.observation_space):
            self._refuse_network_options("the convolutional network of a world of images")
            return "CnnPolicy"
        return self._mlp_policy()

    def _mlp_policy(self) -> Any:
        from plastic_rl.choices import Activation
        from plastic_rl.sb3 import mlp_policy

        doubles = Activation(self.network_options().get("activation", "relu")).doubles
        return mlp_policy(self._stable_baselines()) if doubles else "MlpPolicy"

    def _stable_baselines(self) -> type[BaseAlgorithm]:
        """Return the algorithm's class in Stable-Baselines3."""
        raise NotImplementedError

    def _refuse_network_options(self, network: str) -> None:
        from plastic_rl.errors import UserError

        if options := self.network_options():
            given = ", ".join(f"{name}={value}" for name, value in options.items())
            raise UserError(f"{network} is as it is, without {given}; take an agent without it")


class RolloutAgent(ActingAgent):
    """One that learns from rollouts, with the setting `rollout_steps`, in minibatches where it has `minibatch_size`."""

    rollout_steps: int

    def check(self, sub_environments: int) -> None:
        self._steps_of_each(sub_environments)

    def _steps_of_each(self, sub_environments: int) -> int:
        from plastic_rl.errors import UserError

        steps, remainder = divmod(self.rollout_steps, sub_environments)
        minibatch: int | None = getattr(self, "minibatch_size", None)
        if remainder or self.rollout_steps % (minibatch or 1):
            raise UserError(
                f"agent.rollout_steps={self.rollout_steps} must be a multiple of env.n_envs={sub_environments}"
                + (f" and of agent.minibatch_size={minibatch}" if minibatch else "")
            )
        return steps
