"""What every registered environment promises."""

from __future__ import annotations

import copy
import importlib.util
import pickle
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_sb3
from stable_baselines3.common.env_util import make_vec_env

from plastic_rl.nonstationary import WORLDS, verify
from plastic_rl.runs.environment_state import environment_state, restore_environment_state

NEEDS = {"NoisyLunarLander": "Box2D", "MinAtarChain": "minatar"}


@pytest.fixture(params=sorted(WORLDS))
def name(request) -> str:
    package = NEEDS.get(request.param)
    if package and importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    return f"plastic_rl/{request.param}-v0"


def life(env: gymnasium.Env, steps: int, seed: int | None = 0) -> list[np.ndarray]:
    """Everything seen and paid under random actions; ``seed`` None goes on where the environment is."""
    seen = []
    if seed is not None:
        env.action_space.seed(seed)
        seen.append(env.reset(seed=seed)[0])
    for _ in range(steps):
        observation, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        seen.append(np.append(observation, reward))
        if terminated or truncated:
            seen.append(env.reset()[0])
    return seen


def assert_same(one: list[np.ndarray], other: list[np.ndarray]) -> None:
    for mine, yours in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, yours)


def test_it_really_changes_on_time_and_back(name):
    assert verify(name).largest_difference > 1e-3


def test_gymnasiums_checker_passes(name):
    with warnings.catch_warnings():
        # It advises bounded observations and its own way to make environments; neither is an error.
        warnings.simplefilter("ignore", UserWarning)
        check_env(gymnasium.make(name, disable_env_checker=True), skip_render_check=True)


def test_stable_baselines_checker_passes(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        check_env_sb3(gymnasium.make(name), skip_render_check=True)


def test_the_same_seeds_are_the_same_life(name):
    one, other = (gymnasium.make(name, change_every=20) for _ in range(2))
    assert_same(life(one, 60), life(other, 60))


def test_observations_lie_in_their_space_in_every_task(name):
    env = gymnasium.make(name, change_every=15)
    env.action_space.seed(0)
    env.reset(seed=0)
    is_over = False
    for step in range(60):
        if is_over or step % 10 == 0:
            observation, _ = env.reset()
            is_over = False
        else:
            observation, _, terminated, truncated, _ = env.step(env.action_space.sample())
            is_over = terminated or truncated
        assert observation in env.observation_space


def test_a_life_is_interrupted_and_goes_on(name):
    env, fresh = (gymnasium.make(name, change_every=30) for _ in range(2))
    life(env, 40)
    restore_environment_state(fresh, environment_state(env))
    assert_same(life(fresh, 60, seed=None), life(env, 60, seed=None))


def test_the_copies_of_a_vector_agree_on_the_task(name):
    venv = make_vec_env(name, n_envs=2, env_kwargs={"copies": 2, "change_every": 40}, seed=0)
    assert len({str(env.get_wrapper_attr("parameters")(3)) for env in venv.envs}) == 1
    venv.reset()
    for _ in range(30):
        venv.step(np.array([venv.action_space.sample() for _ in range(2)]))
    assert {env.get_wrapper_attr("clock").step for env in venv.envs} == {60}


def test_pickles_and_copies_are_of_the_same_world(name):
    env = gymnasium.make(name, change_every=40).get_wrapper_attr("env")
    env.reset(seed=0)
    for twin in (pickle.loads(pickle.dumps(env)), copy.deepcopy(env)):
        assert str(twin.get_wrapper_attr("parameters")(2)) == str(env.get_wrapper_attr("parameters")(2))
        twin.reset(seed=0)
