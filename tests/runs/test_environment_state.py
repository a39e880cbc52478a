"""A life interrupted in mid-episode, and taken up by another process, is the same life."""

from __future__ import annotations

import subprocess
import sys
from collections import deque

import gymnasium
import numpy as np
import pytest
import torch

import plastic_rl.nonstationary  # noqa: F401 - registers the ids
from plastic_rl.errors import UserError
from plastic_rl.runs.encoding import decode, encode
from plastic_rl.runs.environment_state import environment_state, restore_environment_state

BEFORE, AFTER = 130, 700
ENVIRONMENTS = {
    "Ant-v5": {"max_episode_steps": 180},
    "plastic_rl/SlipperyAnt-v0": {"change_every": 300, "max_episode_steps": 180},
    "CartPole-v1": {},
    "Pendulum-v1": {},
    "plastic_rl/PermutedCartPole-v0": {"change_every": 300},
}
CHILD = """
import sys, numpy as np, torch
from tests.runs.test_environment_state import AFTER, live, made
from plastic_rl.runs.environment_state import restore_environment_state
names, folder = sys.argv[2:], sys.argv[1]
for number, name in enumerate(names):
    env = made(name)
    restore_environment_state(env, torch.load(f"{folder}/{number}.pt", weights_only=True))
    np.save(f"{folder}/{number}.npy", live(env, AFTER))
"""


def made(name: str) -> gymnasium.Env:
    return gymnasium.make(name, **ENVIRONMENTS[name])


def live(env: gymnasium.Env, steps: int) -> np.ndarray:
    """Acts at random, from the environment's own action space, and writes everything down."""
    story = []
    for _ in range(steps):
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
        story.append([*observation, reward, terminated, truncated, info.get("task", {"index": 0})["index"]])
        if terminated or truncated:
            story.append([*env.reset()[0], 0, 0, 0, 0])
    return np.array(story, dtype=np.float64)


def test_another_process_goes_on_bit_for_bit(tmp_path):
    stories = {}
    for number, name in enumerate(ENVIRONMENTS):
        env = made(name)
        env.action_space.seed(5)
        env.reset(seed=3)
        live(env, BEFORE)
        torch.save(environment_state(env), tmp_path / f"{number}.pt")
        stories[number] = live(env, AFTER)
    subprocess.run([sys.executable, "-W", "ignore", "-c", CHILD, str(tmp_path), *ENVIRONMENTS], check=True)
    for number, name in enumerate(ENVIRONMENTS):
        np.testing.assert_array_equal(np.load(tmp_path / f"{number}.npy"), stories[number], err_msg=name)
        assert stories[number][:, -2].any() or stories[number][:, -3].any(), f"{name} never came to a reset"
    assert stories[1][:, -1].max() == stories[4][:, -1].max() == 2, "the tasks changed after the interruption"


def test_the_model_comes_back_with_its_changes():
    env, fresh = made("plastic_rl/SlipperyAnt-v0"), made("plastic_rl/SlipperyAnt-v0")
    env.reset(seed=0)
    env.unwrapped.model.opt.gravity[2] = -3.0
    restore_environment_state(fresh, environment_state(env))
    np.testing.assert_array_equal(fresh.unwrapped.model.geom_friction, env.unwrapped.model.geom_friction)
    assert fresh.unwrapped.model.opt.gravity[2] == -3.0
    fresh.unwrapped.model.opt.gravity[2] = -9.0
    assert env.unwrapped.model.opt.gravity[2] == -3.0, "the state shares no memory with the environment"


def test_a_time_limit_goes_on_counting():
    env, fresh = gymnasium.make("Pendulum-v1"), gymnasium.make("Pendulum-v1")
    env.reset(seed=0)
    for _ in range(150):
        env.step(np.zeros(1, np.float32))
    restore_environment_state(fresh, environment_state(env))
    truncated = [fresh.step(np.zeros(1, np.float32))[3] for _ in range(50)]
    assert truncated == [False] * 49 + [True]


class Sealed(gymnasium.Wrapper):
    """Keeps its state where nobody can see it."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        self.world = object()


def test_what_cannot_be_saved_is_named():
    with pytest.raises(UserError, match=r"Sealed\.world holds builtins\.object"):
        environment_state(Sealed(gymnasium.make("CartPole-v1")))


def test_another_environment_is_refused():
    with pytest.raises(UserError, match=r"CartPoleEnv, this one is .*PendulumEnv"):
        restore_environment_state(gymnasium.make("Pendulum-v1"), environment_state(gymnasium.make("CartPole-v1")))


@pytest.mark.parametrize(
    "value",
    [
        np.float32(0.1),
        np.bool_(True),
        2**127 + 1,
        deque([1.5, (2, None)], maxlen=7),
        {"nested": [{3: "three"}], None: -1},
        {(1, 2): "a tuple for a key", "$array": "what looks like a code"},
        encode({"already": np.float32(3)}),
        np.arange(4, dtype=np.uint64)[::-1],
        np.arange(3, dtype=">f8"),
    ],
)
def test_plain_data_come_back_with_their_types(value, tmp_path):
    torch.save(encode(value), tmp_path / "value.pt")
    back = decode(torch.load(tmp_path / "value.pt", weights_only=True))
    assert type(back) is type(value)
    if isinstance(value, np.ndarray):
        np.testing.assert_array_equal(back, value)
    else:
        assert back == value
    assert getattr(back, "maxlen", None) == getattr(value, "maxlen", None)


def test_generators_go_on_where_they_were():
    for generator in (np.random.default_rng(4), np.random.Generator(np.random.MT19937(4))):
        generator.random(7)
        twin = decode(encode(generator))
        np.testing.assert_array_equal(twin.random(5), generator.random(5))
