"""Episodes that a model plays to be judged: in worlds of their own, without a trace in its training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm

from plastic_rl.nonstationary import follow_task
from plastic_rl.nonstationary.changing_world import changing_layer
from plastic_rl.runs import random_state, restore_random_state

World = Callable[[], gymnasium.Env[Any, Any]]
"""Makes a world as the model trains in: with the same changes and the same seed of tasks."""

FIRST_SEED = 1_000_003  # of the episodes; training seeds count from small numbers


def mean_return(model: Any, env: gymnasium.Env[Any, Any], episodes: int, normalization: Any = None) -> float:
    """The mean return of some episodes with the model's most likely actions, the same episodes each time.

    Args:
        model: a model or a policy, which predicts.
        env: the world, which is closed.
        episodes: how many.
        normalization: of what the model sees: a VecNormalize, whose statistics stay as they are.
    """
    kept = random_state()
    try:
        return float(np.mean([_episode(model, env, FIRST_SEED + each, normalization) for each in range(episodes)]))
    finally:
        env.close()
        restore_random_state(kept)


def following(make: World, model: BaseAlgorithm) -> gymnasium.Env[Any, Any]:
    """A world in the task in which the model trains; one that never changes as it is."""
    env = make()
    try:
        changing_layer(env)
    except ValueError:
        return env
    return follow_task(env, model.get_env())


def _episode(model: Any, env: gymnasium.Env[Any, Any], seed: int, normalization: Any) -> float:
    observation, _ = env.reset(seed=seed)
    total, is_over = 0.0, False
    while not is_over:
        seen = observation if normalization is None else normalization.normalize_obs(observation)
        action, _ = model.predict(seen, deterministic=True)
        observation, reward, terminated, truncated, _ = env.step(action)
        total, is_over = total + float(reward), terminated or truncated
    return total
