"""The threaded environment behind SB3's interface: a drop-in for DummyVecEnv."""

from __future__ import annotations

from functools import partial

import gymnasium
import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor, VecNormalize

import plastic_rl.nonstationary  # noqa: F401 - registers the ids
from plastic_rl.nonstationary import Nonstationary
from plastic_rl.sb3.threaded_vec_env import ThreadedVecEnv
from plastic_rl.sb3.vec_env_state import restore_vec_env_state, vec_env_state


def make(env: str = "plastic_rl/SlipperyAnt-v0") -> gymnasium.Env:
    return gymnasium.make(env, change_every=90, copies=3, max_episode_steps=40)


BODIES = ("Ant", "HalfCheetah", "Hopper", "Walker2d")


@pytest.mark.parametrize("body", BODIES)
def test_it_gives_what_a_dummy_vec_env_gives_bit_for_bit(body):
    make_one = partial(make, f"plastic_rl/Slippery{body}-v0")
    threaded, dummy = ThreadedVecEnv(make_one, 3), DummyVecEnv([make_one] * 3)
    for venv in (threaded, dummy):
        venv.seed(4)
    np.testing.assert_array_equal(threaded.reset(), dummy.reset())
    generator, falls, changes = np.random.default_rng(0), 0, list[int]()
    for _ in range(100):
        actions = generator.uniform(-1, 1, (3, *threaded.action_space.shape)).astype(np.float32)
        mine, yours = threaded.step(actions), dummy.step(actions)
        for one, other in zip(mine[:3], yours[:3], strict=True):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype
        for one, other in zip(mine[3], yours[3], strict=True):
            assert one["task"] == other["task"]
            assert one["x_velocity"] == other["x_velocity"]
            assert one.get("TimeLimit.truncated", False) == other["TimeLimit.truncated"]
            np.testing.assert_array_equal(one.get("terminal_observation", 0), other.get("terminal_observation", 0))
            falls += "terminal_observation" in one and not one["TimeLimit.truncated"]
        changes += {info["task"]["index"] for info in mine[3]}
    threaded.close()
    assert falls > 0 or body in ("Ant", "HalfCheetah")  # which cannot fall, or not so soon
    assert {0, 1, 2} <= set(changes)


def test_its_state_is_saved_and_restored_exactly():
    venv, fresh = (VecNormalize(VecMonitor(ThreadedVecEnv(make, 3))) for _ in range(2))
    venv.seed(1)
    venv.reset()
    actions = np.random.default_rng(0).uniform(-1, 1, (90, 3, 8)).astype(np.float32)
    for action in actions[:30]:
        venv.step(action)
    restore_vec_env_state(fresh, vec_env_state(venv))
    for action in actions[30:]:
        np.testing.assert_array_equal(fresh.step(action)[0], venv.step(action)[0])
    venv.close(), fresh.close()


def test_copies_can_be_asked_and_set():
    venv = ThreadedVecEnv(make, 3)
    assert venv.env_is_wrapped(Nonstationary) == [True] * 3
    assert len({str(parameters) for parameters in venv.env_method("parameters", 2)}) == 1
    venv.set_attr("note", 7, indices=[1])
    assert venv.get_attr("note", indices=[1]) == [7]
    venv.close()


def test_ppo_learns_on_it():
    venv = VecMonitor(ThreadedVecEnv(make, 3))
    model = PPO("MlpPolicy", venv, n_steps=32, batch_size=32, n_epochs=1, seed=0, device="cpu").learn(192)
    assert model.num_timesteps == 192
    assert len(model.ep_info_buffer) > 0
    venv.close()
