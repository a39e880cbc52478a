"""What every registered environment promises."""

from __future__ import annotations

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_sb3

import plastic_rl.nonstationary  # noqa: F401 - registers the ids

IDS = sorted(name for name in gymnasium.registry if name.startswith("plastic_rl/"))


@pytest.fixture(params=IDS)
def name(request) -> str:
    return request.param


def test_gymnasiums_checker_passes(name):
    with warnings.catch_warnings():
        # It advises bounded observations and its own way to make environments; neither is an error.
        warnings.simplefilter("ignore", UserWarning)
        check_env(gymnasium.make(name).unwrapped, skip_render_check=True)
        check_env(gymnasium.make(name, disable_env_checker=True), skip_render_check=True)


def test_stable_baselines_checker_passes(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        check_env_sb3(gymnasium.make(name), skip_render_check=True)


def test_the_same_seeds_are_the_same_life(name):
    def life() -> list[np.ndarray]:
        env = gymnasium.make(name, change_every=20)
        env.action_space.seed(0)
        seen = [env.reset(seed=0)[0]]
        for _ in range(60):
            observation, reward, terminated, truncated, _ = env.step(env.action_space.sample())
            seen.append(np.append(observation, reward))
            if terminated or truncated:
                seen.append(env.reset()[0])
        return seen

    for one, other in zip(life(), life(), strict=True):
        np.testing.assert_array_equal(one, other)
