"""The clock, the sequence of tasks, and what the wrapper leaves alone."""

from __future__ import annotations

import pickle
import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from stable_baselines3.common.env_util import make_vec_env

from plastic_rl.nonstationary import Every, Friction, Listed, Never, Nonstationary, PermuteObservations


def pendulum(schedule, **settings) -> Nonstationary:
    """An environment whose episodes never end by themselves."""
    return Nonstationary(gymnasium.make("Pendulum-v1").unwrapped, PermuteObservations(), schedule, **settings)


def tasks(env: gymnasium.Env, steps: int, reset_at: tuple[int, ...] = ()) -> list[int]:
    """The task announced on each step, with resets before the steps named."""
    announced = []
    for step in range(steps):
        if step == 0 or step in reset_at:
            env.reset(seed=step)
        announced.append(env.step(env.action_space.sample())[4]["task"]["index"])
    return announced


def test_at_once_means_on_the_very_step():
    assert tasks(pendulum(Every(3, at="step")), 8) == [0, 0, 0, 1, 1, 1, 2, 2]


def test_at_reset_waits_for_the_next_reset_and_skips_what_is_overdue():
    # Due at 3 and 6; taken at the resets before steps 4 and 11 (9 is due by then: task 3, never task 2 nor 1 twice).
    assert tasks(pendulum(Every(3)), 12, reset_at=(4, 11)) == [0] * 4 + [1] * 7 + [3]


def test_each_step_of_one_copy_counts_for_all_copies():
    # With four copies the run is at steps 0, 4, 8, 12, ... when this copy acts.
    assert tasks(pendulum(Every(8, at="step"), copies=4), 6) == [0, 0, 1, 1, 2, 2]


def test_a_change_comes_due_between_two_steps_of_many_copies():
    # Steps of the run at which this copy acts: 0, 4, 8; 6 is due from 8 on.
    assert tasks(pendulum(Every(6, at="step"), copies=4), 3) == [0, 0, 1]


def test_never_is_task_zero_for_life():
    assert tasks(pendulum(Never()), 5, reset_at=(2,)) == [0] * 5


def test_tasks_are_a_function_of_the_seed_alone():
    one, other = pendulum(Every(10), seed=7), pendulum(Every(99), seed=7)
    for seed in range(5):
        one.reset(seed=seed)
    assert [one.parameters(i) for i in (3, 0, 2)] == [other.parameters(i) for i in (3, 0, 2)]
    assert one.parameters(1) != pendulum(Every(10), seed=8).parameters(1)
    assert one.parameters(0) != one.parameters(1)


def test_task_zero_of_the_first_change_is_drawn_from_seed_and_index():
    drawn = 10 ** np.random.default_rng([5, 3]).uniform(np.log10(0.02), np.log10(2.0))
    env = Nonstationary(gymnasium.make("Ant-v5"), Friction(0.02, 2.0), Never(), seed=5)
    assert env.parameters(3) == {"index": 3, "friction": pytest.approx(drawn, rel=1e-12)}


def test_a_reset_seed_belongs_to_the_episode_and_not_to_the_task():
    env = pendulum(Every(3), seed=1)
    first, again = env.reset(seed=11), env.reset(seed=11)
    np.testing.assert_array_equal(first[0], again[0])
    assert first[1]["task"] == again[1]["task"] == env.parameters(0)


def test_what_is_announced_cannot_be_used_to_change_it():
    env = pendulum(Never())
    env.reset(seed=0)[1]["task"]["index"] = 99
    assert env.step(env.action_space.sample())[4]["task"]["index"] == 0


def test_all_copies_of_a_dummy_vec_env_change_on_the_same_global_step():
    venv = make_vec_env(lambda: pendulum(Every(30, at="step"), copies=3), n_envs=3)
    venv.reset()
    seen = [[info["task"]["index"] for info in venv.step(np.zeros((3, 1)))[3]] for _ in range(25)]
    assert seen == [[step * 3 // 30] * 3 for step in range(25)]


def test_a_next_step_autoreset_does_not_slow_the_clock():
    def one() -> gymnasium.Env:
        cartpole = gymnasium.make("CartPole-v1", max_episode_steps=4)
        return Nonstationary(cartpole, PermuteObservations(), Every(20, at="step"), copies=2, resets_take_a_step=True)

    venv = SyncVectorEnv([one, one], autoreset_mode=AutoresetMode.NEXT_STEP)
    venv.reset(seed=0)
    for step in range(1, 41):
        venv.step(np.array([step % 2, 0]))
        clocks = [env.clock.step for env in venv.envs]
        assert clocks == [2 * step, 2 * step]


def test_one_description_serves_many_environments():
    change = Friction(Listed([0.5, 2.0]))
    envs = [Nonstationary(gymnasium.make("Ant-v5"), change, Every(1), seed=0) for _ in range(2)]
    envs[0].reset(seed=0)
    assert envs[0].unwrapped.model.geom_friction[0, 0] == 0.5
    assert envs[1].unwrapped.model.geom_friction[0, 0] == 1.0


def test_pickling_keeps_the_task():
    env = Nonstationary(gymnasium.make("Ant-v5").unwrapped, Friction(0.3, 0.3), Never())
    env.reset(seed=0)
    twin = pickle.loads(pickle.dumps(env))
    assert twin.task == env.task
    np.testing.assert_array_equal(twin.unwrapped.model.geom_friction, env.unwrapped.model.geom_friction)


def test_a_spec_makes_the_same_environment_again():
    env = gymnasium.make("plastic_rl.nonstationary:plastic_rl/SlipperyAnt-v0", change_every=77, seed=3, copies=2)
    again = gymnasium.make(env.spec)
    assert again.get_wrapper_attr("schedule") == Every(77)
    assert again.get_wrapper_attr("parameters")(2) == env.get_wrapper_attr("parameters")(2)
    assert str(again) == str(env)


def test_ids_work_in_a_fresh_process():
    code = """
import sys, gymnasium
import plastic_rl.nonstationary
assert not {"torch", "mujoco", "stable_baselines3"} & set(sys.modules), "registering is cheap"
env = gymnasium.make("plastic_rl/SlipperyAnt-v0")
assert env.observation_space.shape == (27,)
assert env.reset(seed=0)[1]["task"].keys() == {"index", "friction"}
assert gymnasium.make("plastic_rl/PermutedCartPole-v0").reset()[1]["task"]["index"] == 0
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"copies": 0}, "copies must be at least 1, got 0"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"change": []}, "change must not be empty"),
        ({"change": [Friction(), Friction()]}, "Friction and Friction both write geom_friction"),
        ({"change": [PermuteObservations(), PermuteObservations()]}, "announce the same parameter"),
    ],
)
def test_wrong_arguments_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        Nonstationary(gymnasium.make("Ant-v5"), **({"change": PermuteObservations(), "schedule": Never()} | settings))


def test_friction_needs_mujoco():
    with pytest.raises(ValueError, match="Friction needs a MuJoCo environment"):
        Nonstationary(gymnasium.make("CartPole-v1"), Friction(), Never())
