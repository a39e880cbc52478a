"""The part that all agents share that learn from a replay buffer: SAC, TD3, DQN and their kin.

Their weights are drawn as Stable-Baselines3 draws them. Of it they differ in this: the number of updates is said by the
replay ratio, updates per environment step, whatever the number of sub-environments.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from agents.acting import ActingAgent
from plastic_rl.settings import Count, NonNegativeInteger, OneOf, Positive, Rate

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.vec_env import VecEnv


@dataclass
class ReplayAgent(ActingAgent):
    """The settings of an agent that learns from what it remembers of all that it has done."""

    tuned_apart: ClassVar[bool] = True
    cannot_have: ClassVar[Mapping[str, str]] = {
        "adam_rel": "as off-policy no update has a rollout of its own at which Adam could count anew",
        "plasticity_injection": "as target networks follow weights, and would not compute what frozen heads add",
    }

    learning_rate: Positive = 3e-4
    hidden_layers: Count = 2
    hidden_units: Count = 256  # ReLU; half as many where each gives two numbers (CReLU)
    minibatch_size: Count = 256
    replay_size: Count = 1_000_000  # transitions, of all sub-environments together; the oldest are forgotten first
    learning_starts: NonNegativeInteger = 10_000  # environment steps with random actions, before the first update
    discount: Rate = 0.99
    replay_ratio: Positive = 1.0  # updates per environment step; where they must be delayed, of the critic
    update_every: Count = 1  # environment steps between two rounds of updates; at least one of each sub-environment
    # Every so many environment steps the agent starts over, its replay buffer kept; 0 for never; 200,000 with the whole
    # agent is SAC's in Nikishin et al. 2022.
    reset_every: NonNegativeInteger = 0
    reset_layers: NonNegativeInteger = 0  # of each network, counted from the output; 0 for the whole agent
    # What a running mean and variance keep from a step to the next, by which observations are normalised: 0.999
    # follows a change, 1 is Stable-Baselines3's VecNormalize, 0 normalises nothing.
    normalize_inputs: Rate = 0.0
    # How methods that act at changes hear of them: from info["task"], or from what follows what in the world.
    changes_from: Annotated[str, OneOf(("announced", "detected"))] = "announced"

    def build(self, env: VecEnv, *, seed: int, device: str) -> BaseAlgorithm:
        from plastic_rl.sb3.resets import check_resettable

        model = self._agent(env, seed=seed, device=device)
        if self.reset_every:
            check_resettable(model)
        return self._with_ears(model)

    def _agent(self, env: VecEnv, *, seed: int, device: str) -> BaseAlgorithm:
        """Return the learner on `env`, with all that acts at changes."""
        env = self._normalized(env)
        return self.algorithm()(
            self._policy_for(env),
            env,
            learning_rate=self.learning_rate,
            buffer_size=self.replay_size,
            learning_starts=self.learning_starts,
            batch_size=self.minibatch_size,
            gamma=self.discount,
            **self._pace(env.num_envs),
            **self._own_settings(env),
            policy_kwargs=self._policy(),
            plasticity=self.plasticity(),
            seed=seed,
            device=device,
        )

    def callbacks(self) -> list[BaseCallback]:
        from plastic_rl.sb3 import Resets

        return [Resets(self.reset_every, last=self.reset_layers)] if self.reset_every else []

    def check(self, sub_environments: int) -> None:
        self._pace(sub_environments)

    def _pace(self, sub_environments: int) -> dict[str, int]:
        """Return how often Stable-Baselines3 is to update; it counts steps of each sub-environment."""
        from plastic_rl.errors import UserError

        frequency = -(-self.update_every // sub_environments)
        steps = frequency * sub_environments
        updates = self.replay_ratio * steps
        whole = round(updates)
        if whole == 0 or not math.isclose(updates, whole):
            raise UserError(
                f"agent.replay_ratio={self.replay_ratio:g} is {updates:g} updates every {steps} steps "
                f"(agent.update_every={self.update_every}, env.n_envs={sub_environments}): expected a whole number"
            )
        return {"train_freq": frequency, "gradient_steps": whole}

    def _own_settings(self, env: VecEnv) -> dict[str, Any]:
        """Return the keywords that this algorithm alone has."""
        raise NotImplementedError

    def _policy(self) -> dict[str, Any]:
        import torch

        from plastic_rl.sb3 import trunk

        options = self.network_options()
        hidden = {"net_arch": [self.hidden_units] * self.hidden_layers}
        return {**hidden, **(trunk(**options) if options else {"activation_fn": torch.nn.ReLU})}


class FreshReplayAgent(ReplayAgent):
    """One that starts over at each change, its replay buffer aside: what it lacks against another is plasticity."""

    def _agent(self, env: VecEnv, *, seed: int, device: str) -> BaseAlgorithm:
        from plastic_rl.sb3 import fresh_networks_at_changes

        model = super()._agent(env, seed=seed, device=device)
        fresh_networks_at_changes(model)
        return model
