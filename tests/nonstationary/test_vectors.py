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


def cartpole(longest: int = 7, resets_take_a_step: bool = False) -> gymnasium.Env:
    """Episodes of at most seven steps, so that many resets fall between two changes."""
    env = gymnasium.make("CartPole-v1", max_episode_steps=longest)
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


WORLDS = {
    "changing senses": lambda: gymnasium.make("plastic_rl/PermutedCartPole-v0", **TRUNCATED),
    "a chain": lambda: gymnasium.make("plastic_rl/ClassicChain-v0", **TRUNCATED),
    "limits by hand": lambda: gymnasium.wrappers.TimeLimit(cartpole(resets_take_a_step=True), 5),
}
TRUNCATED = {"copies": COPIES, "resets_take_a_step": True, "max_episode_steps": 5}


@pytest.mark.parametrize("make", WORLDS.values(), ids=WORLDS)
def test_resets_after_a_limit_outside_the_changing_world_are_counted(make):
    venv = SyncVectorEnv(
        [make, lambda: gymnasium.wrappers.TimeLimit(make(), 3)], autoreset_mode=AutoresetMode.NEXT_STEP
    )
    venv.reset(seed=0)
    for step in range(1, 51):
        venv.step(np.array([step % 2, 0]))
        assert {clock.step for clock in venv.get_attr("clock")} == {COPIES * step}
    assert min(clock.episode for clock in venv.get_attr("clock")) > 5


def test_resets_of_all_copies_are_no_steps_where_they_name_a_seed_or_come_before_the_first():
    venv = SyncVectorEnv([WORLDS["limits by hand"]] * COPIES, autoreset_mode=AutoresetMode.NEXT_STEP)
    venv.reset(), venv.reset(seed=1), venv.reset()
    for step in range(1, 13):
        venv.step(np.array([step % 2, 0]))
        if step % 4 == 0:
            venv.reset(seed=step)
        elif step == 6:
            venv.reset(options={"low": -0.01})
    assert [clock.step for clock in venv.get_attr("clock")] == [COPIES * 12] * COPIES


def test_a_reset_of_all_copies_without_a_seed_counts_alike_in_all_copies():
    venv = SyncVectorEnv([lambda: cartpole(5, True), lambda: cartpole(3, True)], autoreset_mode=AutoresetMode.NEXT_STEP)
    venv.reset(seed=0)
    resets = 0
    for step in range(30):
        ended = venv.step(np.array([step % 2, 0]))[3]
        if ended[1] and not ended[0]:
            venv.reset()  # comes while one copy waits for a reset of its own and the other is in mid-episode
            resets += 1
        assert {clock.step for clock in venv.get_attr("clock")} == {COPIES * (step + 1 + resets)}
    assert resets > 2


def test_clocks_of_older_checkpoints_are_read():
    env = cartpole(resets_take_a_step=True)
    saved = env.state_dict() | {"task": {}, "clock": {"steps": 7, "resets": 2, "episode_ended": True}}
    env.load_state_dict(saved)
    assert (env.clock.step, env.clock.episode) == (14, 1)
    env.reset()
    assert (env.clock.step, env.clock.episode) == (16, 2)


def test_in_threads():
    venv, seen = ThreadedMujoco(ant, COPIES), []
    venv.reset()
    for _ in range(STEPS):
        info = venv.step(np.zeros((COPIES, 8), np.float32))[4]
        seen.append([task["index"] for task in info.get("final_info", info)["task"]])
    venv.close()
    assert seen == due()
