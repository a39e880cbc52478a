"""The steps of a model's environment, unnormalised, as detectors of regimes and of changes are shown them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import unwrap_vec_normalize

from plastic_rl.regimes.numbers import Numbers

Step: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Observation, action, the observation that followed, reward, and whether the episode ended, each of all copies."""


def sizes_of(model: BaseAlgorithm) -> tuple[int, int, int]:
    """The numbers of features and targets of a transition (:func:`described`), and of copies of the world.

    Args:
        model: whose environment is watched.

    Raises:
        ValueError: the observations are no vectors.
    """
    if not isinstance(model.observation_space, spaces.Box) or len(model.observation_space.shape) != 1:
        raise ValueError(
            f"tasks are told apart by observations that are vectors, got {model.observation_space}; "
            "have the environment announce its tasks"
        )
    observations = model.observation_space.shape[0]
    return observations + spaces.flatdim(model.action_space), observations + 1, model.n_envs


class WatchedWorld:
    """Follows the steps of a model's environment.

    Args:
        model: whose environment it is.
    """

    def __init__(self, model: BaseAlgorithm) -> None:
        env = model.get_env()
        assert env is not None
        self.normaliser = unwrap_vec_normalize(env)
        self.before = self._observations(model._last_obs)

    def step(self, rollout: Mapping[str, Any]) -> Step:
        """The step that has just been taken, in arrays that nobody else writes to.

        Args:
            rollout: the local variables of SB3's collection of rollouts.
        """
        before, after = self.before, self._observations(rollout["new_obs"])
        self.before = after
        rewards = rollout["rewards"] if self.normaliser is None else self.normaliser.get_original_reward()
        actions = rollout[
            "clipped_actions" if "clipped_actions" in rollout else "actions"
        ]  # off-policy they are in range
        return before, np.array(actions), after, np.array(rewards), np.array(rollout["dones"])

    def _observations(self, observations: Any) -> Numbers:
        observations = observations if self.normaliser is None else self.normaliser.get_original_obs()
        return np.array(observations, dtype=np.float64)


def described(step: Step, space: spaces.Space[Any]) -> tuple[Numbers, Numbers]:
    """Features and targets along the last axis: observation and action; the change of the observation, and the reward.

    Args:
        step: or several, one array of each kind.
        space: of actions.
    """
    before, actions, after, rewards, ended = step
    flat = flattened(space, actions.reshape(ended.size, *actions.shape[ended.ndim :])).reshape(*ended.shape, -1)
    return (
        np.concatenate([before, flat], axis=-1, dtype=np.float64),
        np.concatenate([after - before, rewards[..., None]], axis=-1, dtype=np.float64),
    )


def flattened(space: spaces.Space[Any], actions: np.ndarray) -> np.ndarray:
    """Actions as `gymnasium.spaces.flatten` has them, one a row; for all rows at once where that is known."""
    if isinstance(space, spaces.Discrete):
        rows = np.zeros((len(actions), int(space.n)))
        rows[np.arange(len(actions)), actions - space.start] = 1
        return rows
    if isinstance(space, spaces.Box):
        return actions.reshape(len(actions), -1)
    return np.array([spaces.flatten(space, action) for action in actions])
