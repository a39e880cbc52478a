"""The race of vector environments: its arithmetic, and that the runners run."""

from __future__ import annotations

from collections import deque

import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv

from benchmarks.environments import COPIES, Speed, advance, ant, bare, measure, race, slippery_ant, table, vector


def test_ratios_are_to_the_dummy_and_to_the_limit():
    speeds = {
        "SB3 SubprocVecEnv": Speed(2000.0, 100.0),
        "SB3 DummyVecEnv": Speed(4000.0, 4100.0),
        "ThreadedVecEnv": Speed(9000.0, 5000.0),
        "bare mj_step, 2 threads, closed loop": Speed(10_000.0, 5500.0),
    }
    rows = table(speeds).splitlines()[2:]
    assert rows[0] == "| SB3 SubprocVecEnv | 2,000 | 0.50 | 20 % | in other processes |"
    assert rows[2] == "| ThreadedVecEnv | 9,000 | 2.25 | 90 % | 5,000 |"


def test_every_way_counts_all_copies():
    counted = []
    speeds = race({"nothing": lambda: counted.append(1)}, rounds=2, seconds=0.01)
    assert speeds["nothing"].wall * 0.02 > 0.5 * COPIES * len(counted) / 2
    assert measure(bare(2), 0.05).wall > 0
    assert measure(vector(DummyVecEnv([ant] * COPIES)), 0.05).wall > 0


def test_bare_steps_are_the_environments_own():
    one, other = ant().unwrapped, ant().unwrapped
    for env in (one, other):
        env.reset(seed=0)
    advance(deque([(one, np.ones(8))]))
    other.step(np.ones(8))
    np.testing.assert_array_equal(one.data.qpos, other.data.qpos)


def test_the_slippery_ant_changes_every_hundred_steps_of_each_copy():
    env = slippery_ant()
    env.reset(seed=0)
    tasks = [env.step(np.zeros(8))[4]["task"]["index"] for _ in range(201)]
    assert [tasks[0], tasks[99], tasks[100], tasks[200]] == [0, 0, 1, 2]
