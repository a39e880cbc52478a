"""Tasks in files, tasks shown to the agent, and environments in sequence."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from plastic_rl.errors import UserError
from plastic_rl.nonstationary import (
    Chain,
    Constant,
    DamagedActuators,
    Every,
    Friction,
    Listed,
    Never,
    Nonstationary,
    PermuteObservations,
    Replayed,
    ShowTask,
    read_tasks,
    write_tasks,
)
from plastic_rl.runs.environment_state import environment_state, restore_environment_state


def pendulum(**settings) -> Nonstationary:
    return Nonstationary(
        gymnasium.make("Pendulum-v1").unwrapped, PermuteObservations(), Every(2, at="step"), **settings
    )


def test_tasks_are_written_and_gone_through_again(tmp_path):
    env = pendulum(seed=4)
    write_tasks(env, tmp_path / "tasks.jsonl", 3)
    again = pendulum(seed=99, tasks=read_tasks(tmp_path / "tasks.jsonl"))
    for _ in range(6):
        one, other = (life.reset(seed=0)[1]["task"] for life in (env, again))
        assert one == other
        env.step(np.zeros(1)), again.step(np.zeros(1))
    with pytest.raises(ValueError, match="task 3 is due, but only 3 tasks were given"):
        again.reset()


@pytest.mark.parametrize(
    ("line", "message"), [("{", "line 1 is no JSON object"), ("[1]", "is no task"), ('{"friction": 1}', "is no task")]
)
def test_what_is_no_task_is_named(line, message, tmp_path):
    (tmp_path / "tasks.jsonl").write_text(line)
    with pytest.raises(ValueError, match=message):
        read_tasks(tmp_path / "tasks.jsonl")


def test_a_task_that_is_another_worlds_is_refused_when_it_is_given():
    tasks = [{"index": 0, "permutation": [0, 1, 2], "signs": [1, 1, 1]}, {"index": 1, "friction": 0.5}]
    message = (
        r"given task 1 lacks \['permutation', 'signs'\]; a task of this world has \['index', 'permutation', 'signs'\]"
    )
    with pytest.raises(ValueError, match=message):
        pendulum(tasks=tasks)
    with pytest.raises(ValueError, match=message):
        pendulum().follow(tasks)


def test_the_task_is_shown_to_those_who_ask():
    env = ShowTask(Nonstationary(gymnasium.make("Ant-v5"), Friction(Listed([0.5, 2.0])), Every(1)))
    assert env.observation_space.shape == (106,)
    assert [env.reset(seed=0)[0][-1], env.step(env.action_space.sample())[0][-1], env.reset()[0][-1]] == [0.5, 0.5, 2.0]
    assert env.reset()[0] in env.observation_space


def test_lists_are_shown_entry_by_entry():
    observation, info = ShowTask(pendulum()).reset(seed=0)
    np.testing.assert_array_equal(observation[3:], info["task"]["permutation"] + info["task"]["signs"])


def test_what_cannot_be_shown_is_refused():
    env = Nonstationary(gymnasium.make("Ant-v5"), DamagedActuators(Listed([0.0, 1.0])), Never())
    with pytest.raises(ValueError, match="equally many parameters"):
        ShowTask(env)


def chain(**settings) -> Chain:
    return Chain(["CartPole-v1", "Acrobot-v1", "MountainCar-v0"], Every(10), **settings)


def test_a_chain_has_room_for_the_largest():
    env = chain()
    assert env.observation_space.shape == (6,)
    assert env.action_space == gymnasium.spaces.Discrete(3)
    observation, info = env.reset(seed=0)
    assert info["task"] == {"index": 0, "environment": "CartPole-v1"}
    np.testing.assert_array_equal(observation[:4], gymnasium.make("CartPole-v1").reset(seed=0)[0])
    np.testing.assert_array_equal(observation[4:], [0, 0])


def test_an_action_that_is_not_there_counts_from_the_first_again():
    env, twin = chain(), chain()
    env.reset(seed=0), twin.reset(seed=0)
    np.testing.assert_array_equal(env.step(2)[0], twin.step(0)[0])


def test_a_chain_moves_on_at_a_reset_and_returns():
    env, seen = chain(), []
    for _ in range(40):
        seen.append(env.reset(seed=0)[1]["task"]["environment"])
        env.step(0)
    assert [seen[0], seen[9], seen[10], seen[20], seen[30]] == [
        "CartPole-v1",
        "CartPole-v1",
        "Acrobot-v1",
        "MountainCar-v0",
        "CartPole-v1",
    ]


def test_bodies_of_different_sizes_can_be_chained():
    env = Chain(["Hopper-v5", "Walker2d-v5"], Every(1))
    assert (env.observation_space.shape, env.action_space.shape) == ((17,), (6,))
    for _ in range(2):
        env.reset(seed=0)
        assert env.step(env.action_space.sample())[0] in env.observation_space


@pytest.mark.parametrize(
    ("ids", "schedule", "message"),
    [
        (["CartPole-v1", "Pendulum-v1"], Every(1), "actions that are all choices, or vectors"),
        (["CartPole-v1", "plastic_rl/Catch-v0"], Every(1), "observations that are all vectors or all images"),
        ([], Every(1), "at least one environment"),
        (["CartPole-v1"], Every(1, at="step"), "a schedule that changes at a reset"),
    ],
)
def test_what_cannot_be_chained_is_refused(ids, schedule, message):
    with pytest.raises(ValueError, match=message):
        Chain(ids, schedule)


def test_a_constant_is_shown_too():
    env = ShowTask(Nonstationary(gymnasium.make("Ant-v5"), Friction(Constant(0.25)), Never()))
    assert env.reset(seed=0)[0][-1] == 0.25


def test_what_cannot_be_looked_into_is_lived_again():
    pytest.importorskip("Box2D")
    with pytest.raises(UserError, match=r"LunarLander\.world holds Box2D"):
        environment_state(gymnasium.make("LunarLander-v3"))
    env, fresh = (Replayed(gymnasium.make("LunarLander-v3", enable_wind=True).unwrapped) for _ in range(2))
    for seed in (3, None):  # the second episode begins from the generator that the first one left
        env.reset(seed=seed)
        for step in range(30):
            env.step(step % 4)
        restore_environment_state(fresh, environment_state(env))
        for step in range(30):
            np.testing.assert_array_equal(fresh.step(step % 3)[0], env.step(step % 3)[0])


def test_a_replay_is_of_the_whole_environment():
    env, fresh = (Replayed(gymnasium.make("CartPole-v1")) for _ in range(2))
    restore_environment_state(fresh, environment_state(env))
    env.reset(seed=1)
    env.step(1)
    restore_environment_state(fresh, environment_state(env))
    np.testing.assert_array_equal(fresh.step(0)[0], env.step(0)[0])
