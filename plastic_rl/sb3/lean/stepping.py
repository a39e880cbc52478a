"""One step of SB3's DummyVecEnv, without `copy.deepcopy`, which takes longer than a small world's step."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

Step = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]]

# What nobody can change, and need not be copied.
_FIXED = frozenset({bool, int, float, complex, str, bytes, type(None), np.float32, np.float64, np.int64, np.bool_})


def step_of(env: VecEnv) -> Step:
    """The quickest way to step some copies of a world."""
    is_plain = type(env) is DummyVecEnv and isinstance(env.observation_space, spaces.Box)
    if not is_plain or {"step", "step_async", "step_wait", "_save_obs", "_obs_from_buf"} & vars(env).keys():
        return env.step  # pyright: ignore[reportReturnType]
    return lambda actions: _step(env, actions)


def _step(env: Any, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
    env.actions = actions
    seen = env.buf_obs[None]
    for place, copy in enumerate(env.envs):
        observation, env.buf_rews[place], terminated, truncated, info = copy.step(actions[place])
        is_over = env.buf_dones[place] = terminated or truncated
        info["TimeLimit.truncated"] = truncated and not terminated
        env.buf_infos[place] = info
        if is_over:
            info["terminal_observation"] = observation
            observation, env.reset_infos[place] = copy.reset()
        seen[place] = observation
    return seen.copy(), env.buf_rews.copy(), env.buf_dones.copy(), [copied(info) for info in env.buf_infos]


def copied(value: Any) -> Any:
    """A copy of what a world tells of a step, so that it may write over its own."""
    kind = type(value)
    if kind in _FIXED:
        return value
    if kind is dict:
        return {name: copied(each) for name, each in value.items()}
    if kind is list:
        return [copied(each) for each in value]
    if kind is np.ndarray and not value.dtype.hasobject:
        return value.copy()
    return deepcopy(value)
