"""Streaming actor-critic: learns from each step as it comes, once, with eligibility traces and without a buffer.

Elsayed, Vasan, Mahmood, "Streaming deep reinforcement learning finally works", arXiv 2410.14606 (2024); Sharifnassab,
Elsayed, De Asis, Mahmood, Sutton, ICML 2026 (arXiv 2604.19033), for the steps that it takes by default.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor

from plastic_rl.sb3.streaming_policy import ScaledObservations, StreamingPolicy


class StreamAC(OnPolicyAlgorithm):
    """An actor-critic that updates both networks at each step, from that step alone (stream AC(λ)).

    ::

        model = StreamAC("MlpPolicy", env, n_steps=200)
        model.learn(100_000)

    A "rollout" is a number of steps after which numbers are logged and a run may be saved: nothing is learned from it
    as a whole. What Stable-Baselines3's rollout buffer holds is for diagnostics alone.

    Args:
        policy: "MlpPolicy", a :class:`StreamingPolicy`.
        env: one world; of its copies none could be learned from at the same time.
        n_steps: of a rollout.
        gamma: γ.
        trace_decay: λ.
        ent_coef: of the entropy beside the log-probability of the action, with the sign of the error.
        policy_kwargs: of the policy.
        settings: of `OnPolicyAlgorithm`: seed, device, verbose and the like.

    Raises:
        ValueError: there is more than one copy of the world, or it shows images or dicts.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {"MlpPolicy": StreamingPolicy}

    policy: StreamingPolicy  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(
        self,
        policy: str | type[StreamingPolicy],
        env: Any,
        *,
        n_steps: int = 1000,
        gamma: float = 0.99,
        trace_decay: float = 0.8,
        ent_coef: float = 0.01,
        policy_kwargs: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        initialises = settings.pop("_init_setup_model", True)
        of_policy = {**(policy_kwargs or {}), "discount": gamma, "trace_decay": trace_decay}
        super().__init__(
            policy,
            env,
            **{"learning_rate": 1.0, "n_steps": n_steps, "gamma": gamma, "gae_lambda": trace_decay, "vf_coef": 0.0},
            **{"ent_coef": ent_coef, "max_grad_norm": float("inf"), "use_sde": False, "sde_sample_freq": -1},
            policy_kwargs=of_policy,
            supported_action_spaces=(spaces.Box, spaces.Discrete),
            _init_setup_model=False,
            **settings,
        )
        if initialises:
            self._setup_model()

    def _setup_model(self) -> None:
        if self.env is not None and self.env.num_envs > 1:
            raise ValueError(
                f"StreamAC learns from one world, and got {self.env.num_envs} copies: make one (env.n_envs=1)"
            )
        if isinstance(self.observation_space, spaces.Dict) or is_image_space(self.observation_space):
            raise ValueError(f"StreamAC takes observations that are vectors, got {self.observation_space}")
        super()._setup_model()

    def _get_torch_save_params(self) -> tuple[list[str], list[str]]:
        return ["policy", "policy.optimizer", "policy.actor_optimizer"], []

    def collect_rollouts(
        self, env: VecEnv, callback: BaseCallback, rollout_buffer: RolloutBuffer, n_rollout_steps: int
    ) -> bool:
        """Acts and learns for a number of steps; False if a callback ends the training."""
        self.policy.set_training_mode(False)
        rollout_buffer.reset()
        callback.on_rollout_start()
        features, self._sums = self._first_features(), np.zeros(2)
        for _ in range(n_rollout_steps):
            distribution = self.policy.distribution_of(features)
            actions = distribution.get_actions().detach()
            new_obs, rewards, dones, infos = env.step(self._allowed(actions))
            self.num_timesteps += 1
            callback.update_locals(locals())
            if not callback.on_step():
                return False
            self._update_info_buffer(infos, dones)
            value, following = self._values(features, new_obs, bool(dones[0]), infos[0])
            reward = self.policy.reward_scaling(float(rewards[0]), ends_episode=bool(dones[0]))
            log_prob = distribution.log_prob(actions)
            self._learn(value, reward + self.gamma * following, (log_prob, distribution.entropy()), bool(dones[0]))
            self._note(rollout_buffer, actions, rewards, value, log_prob)
            self._last_obs, self._last_episode_starts = new_obs, dones  # pyright: ignore[reportAttributeAccessIssue]
            features = self._taken_in(new_obs)
        callback.update_locals(locals())
        callback.on_rollout_end()
        return True

    def _learn(self, value: Tensor, target: float, said: tuple[Tensor, Tensor], ends: bool) -> None:
        """One update of the policy and of the value, by the error of the value.

        Args:
            value: v(s), with its graph.
            target: r + γ v(s').
            said: the log-probability of the action, and the entropy, with their graphs.
            ends: the episode is over, and traces with it.
        """
        error, (log_prob, entropy) = target - value.detach(), said
        self.policy.actor_optimizer.zero_grad()
        (log_prob + self.ent_coef * error.sign() * entropy).sum().backward()
        self.policy.optimizer.zero_grad()
        value.backward()
        for optimizer in (self.policy.actor_optimizer, self.policy.optimizer):
            optimizer.observe(error, ends_episode=ends)
            optimizer.step()
        self._sums += (abs(float(error)), float(entropy.detach().mean()))

    def _values(self, features: Tensor, new_obs: Any, done: bool, info: dict[str, Any]) -> tuple[Tensor, float]:
        """v(s), with its graph, and v(s'), which is 0 where the world came to an end and not only the time."""
        value = self.policy.value_of(features)
        if done and not info.get("TimeLimit.truncated", False):
            return value, 0.0
        last = info["terminal_observation"][None] if done else new_obs
        with torch.no_grad():
            seen = self._scaling(self.policy.obs_to_tensor(last)[0])
            return value, float(self.policy.value_of(seen))

    @property
    def _scaling(self) -> ScaledObservations:
        scaling = self.policy.features_extractor
        assert isinstance(scaling, ScaledObservations)
        return scaling

    def _taken_in(self, observations: Any) -> Tensor:
        return self._scaling.take_in(self._as_tensor(observations))

    def _as_tensor(self, observations: Any) -> Tensor:
        given = self.policy.obs_to_tensor(observations)[0]
        assert isinstance(given, Tensor)
        return given

    def _first_features(self) -> Tensor:
        """The features of the last observation, which has been taken in unless it is the first of all."""
        assert self._last_obs is not None
        is_first = float(self._scaling.normalization.count) == 0
        return self._taken_in(self._last_obs) if is_first else self._scaling(self._as_tensor(self._last_obs))

    def _allowed(self, actions: Tensor) -> np.ndarray:
        """Actions as the world takes them."""
        given = actions.cpu().numpy()
        if isinstance(self.action_space, spaces.Box):
            return np.clip(given, self.action_space.low, self.action_space.high)
        return given

    def _note(
        self, buffer: RolloutBuffer, actions: Tensor, rewards: np.ndarray, value: Tensor, log_prob: Tensor
    ) -> None:
        """Keeps the step for diagnostics."""
        assert self._last_obs is not None
        rows = actions.cpu().numpy().reshape(1, -1)
        begins = np.asarray(self._last_episode_starts)
        buffer.add(self._last_obs, rows, rewards, begins, value.detach()[None], log_prob.detach().sum()[None])  # pyright: ignore

    def train(self) -> None:
        """Logs how the steps since the last call went; all has been learned."""
        self._n_updates += self.n_steps
        error, entropy = self._sums / self.n_steps
        self.logger.record("train/td_error", float(error))
        self.logger.record("train/entropy", float(entropy))
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
