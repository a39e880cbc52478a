"""Every kind of vector environment: all copies change on the same step of the run."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

from plastic_rl.nonstationary import Every, Friction, Nonstationary, PermuteObservations
from plastic_rl.nonstationary.threaded import ThreadedMujoco

COPIES, EVERY, STEPS = 2, 30, 40


def cartpole(resets_take_a_step: bool = False) -> gymnasium.Env:
    """Episodes of at most seven steps, so that many resets fall between two changes."""
    env = gymnasium.make("CartPole-v1", max_episode_steps=7)
    schedule = Every(EVERY, at="step")
    return Nonstationary(env, PermuteObservations(), schedule, copies=COPIES, resets_take_a_step=resets_take_a_step)


def ant() -> gymnasium.Env:
    env = gymnasium.make("Ant-v5", max_episode_steps=7)
    return Nonstationary(env, Friction(), Every(EVERY, at="step"), copies=COPIES)


def due() -> list[list[int]]:
    """The task of each copy on each step, as the schedule says."""
    return [[step * COPIES // EVERY] * COPIES for step in range(STEPS)]


@pytest.mark.parametrize("kind", [DummyVecEnv, SubprocVecEnv])
def test_in_stable_baselines(kind):
    venv = kind([cartpole] * COPIES)
    venv.reset()
    seen = [[info["task"]["index"] for info in venv.step(np.array([0, step % 2]))[3]] for step in range(STEPS)]
    venv.close()
    assert seen == due()


@pytest.mark.parametrize("kind", [SyncVectorEnv, AsyncVectorEnv])
@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_in_gymnasium(kind, mode):
    later = mode is AutoresetMode.NEXT_STEP
    venv = kind([lambda: cartpole(resets_take_a_step=later)] * COPIES, autoreset_mode=mode)
    venv.reset()
    for step in range(STEPS):
        info = venv.step(np.array([0, step % 2]))[4]
        clocks = [clock.step for clock in venv.get_attr("clock")]
        assert clocks == [COPIES * (step + 1)] * COPIES
        for index, ended in enumerate(info.get("_final_info", [later] * COPIES)):
            if not later and not ended:  # a reset within the step announces the task of the step to come
                assert info["task"]["index"][index] == due()[step][index]
    venv.close()


def test_in_threads():
    venv, seen = ThreadedMujoco(ant, COPIES), []
    venv.reset()
    for _ in range(STEPS):
        info = venv.step(np.zeros((COPIES, 8), np.float32))[4]
        seen.append([task["index"] for task in info.get("final_info", info)["task"]])
    venv.close()
    assert seen == due()
