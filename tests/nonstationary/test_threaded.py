"""Threads change the speed and nothing else: every number is that of the environments stepped one by one."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from plastic_rl.nonstationary import (
    ActionGain,
    BodyMass,
    Every,
    Friction,
    GoalDirection,
    Listed,
    LogUniformValues,
    Nonstationary,
    ObservationNoise,
    PermuteObservations,
    Push,
    UniformValues,
)
from plastic_rl.nonstationary.threaded import ThreadedMujoco

COPIES = 3


def plain(env_id: str, **settings):
    return lambda: gymnasium.make(env_id, **settings)


def changing(*changes, at: str = "reset"):
    schedule = Every(90, at=at)
    return lambda: Nonstationary(
        gymnasium.make("Ant-v5", max_episode_steps=40), list(changes), schedule, copies=COPIES, seed=2
    )


WORLDS = {
    "ant": plain("Ant-v5", max_episode_steps=70),
    "ant without forces": plain("Ant-v5", include_cfrc_ext_in_observation=False, contact_cost_weight=0.0),
    "ant that never falls": plain("Ant-v5", terminate_when_unhealthy=False, max_episode_steps=50),
    "ant of two limits": lambda: gymnasium.wrappers.TimeLimit(gymnasium.make("Ant-v5", max_episode_steps=40), 90),
    "cheetah": plain("HalfCheetah-v5", max_episode_steps=50),
    "hopper": plain("Hopper-v5"),
    "walker": plain("Walker2d-v5", exclude_current_positions_from_observation=False),
    "slippery": plain("plastic_rl/SlipperyAnt-v0", change_every=100, copies=COPIES, max_episode_steps=60),
    "at once": changing(Friction(), BodyMass(LogUniformValues(0.5, 2.0)), at="step"),
    "pushed": changing(Push(UniformValues(-9.0, 9.0))),
    "senses, actions, goals": changing(
        PermuteObservations(), ObservationNoise(Listed([0.1, 0.3])), ActionGain(UniformValues(0.2, 2.0)),
        GoalDirection(UniformValues(0.0, 360.0)), at="step",
    ),
}  # fmt: skip


@pytest.mark.parametrize("make", WORLDS.values(), ids=WORLDS)
def test_its_trajectories_are_those_of_its_copies(make):
    venv, envs = ThreadedMujoco(make, COPIES), [make() for _ in range(COPIES)]
    observations, _ = venv.reset(seed=5)
    np.testing.assert_array_equal(observations, [env.reset(seed=5 + i)[0] for i, env in enumerate(envs)])
    generator, ends = np.random.default_rng(0), 0
    for _ in range(150):
        actions = generator.uniform(-1, 1, venv.action_space.shape).astype(np.float32)
        observations, rewards, terminated, truncated, info = venv.step(actions)
        for index, env in enumerate(envs):
            seen, reward, fell, late, single = env.step(actions[index])
            assert (fell, late) == (terminated[index], truncated[index])
            np.testing.assert_allclose(rewards[index], reward, rtol=0, atol=1e-12)
            final = info["final_obs"][index] if fell or late else observations[index]
            np.testing.assert_allclose(final, seen, rtol=0, atol=1e-12)
            if "task" in single:
                tasks = info.get("final_info", info)["task"]
                assert tasks[index] == single["task"]
            if fell or late:
                ends += 1
                np.testing.assert_array_equal(observations[index], env.reset()[0])
    assert ends > 0, "no episode ended: the resets were not compared"
    venv.close()


def test_every_copy_has_physics_of_its_own():
    venv = ThreadedMujoco(plain("Ant-v5"), 2)
    venv.reset(seed=[7, 7])
    venv.envs[1].unwrapped.model.geom_friction[:, 0] = 0.02
    for _ in range(60):
        observations, *_ = venv.step(np.ones((2, 8), np.float32))
    assert np.abs(observations[0] - observations[1]).max() > 1e-3
    venv.close()


@pytest.mark.parametrize(
    ("make", "settings", "message"),
    [
        (plain("CartPole-v1"), {"num_envs": 2}, "there is no batched version of"),
        (plain("Ant-v5"), {"num_envs": 0}, "num_envs and threads must be at least 1, got 0 and 2"),
        (lambda: gymnasium.wrappers.ClipAction(gymnasium.make("Ant-v5")), {"num_envs": 1}, "pass ClipAction by"),
        (
            iter([gymnasium.make("Ant-v5"), gymnasium.make("Hopper-v5")]).__next__,
            {"num_envs": 2},
            "no batched version of <AntEnv.*HopperEnv.*of one of them at a time",
        ),
        (plain("plastic_rl/SlipperyAnt-v0"), {"num_envs": 2}, "needs copies=2, .*, got copies=1"),
        (
            plain("plastic_rl/SlipperyAnt-v0", copies=2, resets_take_a_step=True),
            {"num_envs": 2},
            "got copies=2, resets_take_a_step=True",
        ),
    ],
)
def test_what_cannot_be_threaded_is_refused(make, settings, message):
    with pytest.raises(ValueError, match=message):
        ThreadedMujoco(make, **settings)
