"""Arrays and tasks of others are copied before they are kept, and what is kept is never handed out."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import gymnasium
import numpy as np
import pytest

from plastic_rl.nonstationary import (
    Chain,
    Constant,
    DelayActions,
    DelayObservations,
    Every,
    Friction,
    Listed,
    Never,
    Nonstationary,
    PermuteObservations,
    Replayed,
    Values,
    film,
    verify,
)
from plastic_rl.nonstationary.attribute_changes import AttributeChange
from plastic_rl.nonstationary.threaded import ThreadedMujoco
from plastic_rl.runs.environment_state import environment_state, restore_environment_state


class Reusing(gymnasium.Env):
    """Counts its steps in the one array that it always returns, and notes what it is made to do."""

    def __init__(self) -> None:
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,))
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,))
        self.metadata = {"render_modes": ["rgb_array"]}
        self.seen, self.frame = np.zeros(2, np.float32), np.zeros((1, 1, 3), np.uint8)
        self.done: list[float] = []
        self.pace = 1.0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.seen[:] = [0, (options or {}).get("start", 1)]
        return self.seen, {}

    def step(self, action):
        self.done.append(float(action[0]))
        action[0] = 9  # an environment may work in place
        self.seen += [self.pace, 0]
        self.frame += 1
        return self.seen, 0.0, False, False, {}

    def render(self):
        return self.frame


def test_a_delay_keeps_what_was_seen_and_not_the_array_that_it_was_seen_in():
    env = Nonstationary(Reusing(), DelayObservations(Constant(3.0)), Never())
    counts = [env.reset()[0][0]] + [env.step(np.zeros(1))[0][0] for _ in range(6)]
    assert counts == [0, 0, 0, 0, 1, 2, 3]


def test_a_delay_is_not_disturbed_by_an_agent_that_works_on_what_it_was_shown():
    env = Nonstationary(Reusing(), DelayObservations(Constant(2.0)), Never())
    counts = []
    observation, _ = env.reset()
    for _ in range(4):
        counts.append(float(observation[0]))
        observation += 100
        observation, *_ = env.step(np.zeros(1))
    assert counts == [0, 0, 0, 1]


def test_delayed_actions_are_those_that_were_chosen_whoever_writes_into_their_array():
    env = Nonstationary(Reusing(), DelayActions(Constant(2.0)), Never())
    action = np.zeros(1)
    env.reset()
    for number in (0.1, 0.2, 0.3, 0.4, 0.5):
        action[:] = number
        env.step(action)
    assert env.unwrapped.done == [0.1, 0.1, 0.1, 0.2, 0.3]


@pytest.mark.parametrize("name", ["seen", "chosen"])
def test_queues_of_older_checkpoints_are_read(name):
    change = {"seen": DelayObservations, "chosen": DelayActions}[name](Constant(1.0))
    env = Nonstationary(Reusing(), change, Never())
    env.changes[0].load_state_dict({name: deque([1, 2], maxlen=2)})
    hand_on = {"seen": env.transformed, "chosen": env.transformed_action}[name]
    assert hand_on(3) == 2


@dataclass
class Pace(AttributeChange):
    """How much is counted a step."""

    pace: Values | None = None


def test_verification_compares_what_was_seen():
    pace = Pace(Listed([1.0, 2.0]))
    found, plain = (
        verify(lambda env=env: Nonstationary(env(), pace, Every(10)), steps=10) for env in (Reusing, Copying)
    )
    assert found == plain
    assert (found.first_difference, found.largest_difference) == (1, 10)


class Copying(Reusing):
    """The same with a new array for each observation."""

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed, options=options)[0].copy(), {}

    def step(self, action):
        return (super().step(action)[0].copy(), 0.0, False, False, {})


def test_frames_of_a_film_are_of_their_own_moment():
    frames = film(
        lambda: Nonstationary(Reusing(), PermuteObservations(), Never()), lambda *_: np.zeros(1), tasks=(0,), steps=4
    )
    assert frames[:, 0, 0, 0].tolist() == [0, 1, 2, 3]


def test_what_is_announced_is_a_copy_down_to_its_lists():
    env = Nonstationary(Reusing(), PermuteObservations(), Never())
    env.reset()[1]["task"]["permutation"][:] = [7, 7]
    assert env.step(np.zeros(1))[4]["task"] == env.parameters(0)
    env.state_dict()["task"]["signs"][:] = [0, 0]
    assert env.task == env.parameters(0)


def test_what_threads_announce_is_a_copy_too():
    venv = ThreadedMujoco(lambda: Nonstationary(gymnasium.make("Ant-v5"), Friction(), Never()), 1)
    task = venv.reset(seed=0)[1]["task"][0]
    task["friction"] = -1.0
    assert venv.envs[0].get_wrapper_attr("task")["friction"] > 0
    venv.close()


def test_given_tasks_are_those_that_were_given():
    given = [{"index": 0, "permutation": [1, 0], "signs": [1, 1]}]
    env = Nonstationary(Reusing(), PermuteObservations(), Never(), tasks=given)
    given[0]["permutation"][:] = [5, 5]
    given.clear()
    assert env.reset()[1]["task"]["permutation"] == [1, 0]


def test_an_episode_is_lived_again_with_the_options_that_it_began_with():
    env, fresh = Replayed(Reusing()), Replayed(Reusing())
    env.reset(seed=0, options={"start": 5})
    restore_environment_state(fresh, environment_state(env))
    assert fresh.step(np.zeros(1))[0].tolist() == [1, 5]


def test_a_saved_game_does_not_move_with_the_game_that_goes_on():
    pytest.importorskip("minatar")
    from plastic_rl.nonstationary.minatar_game import MinAtarGame

    game, twin, later = MinAtarGame("asterix"), MinAtarGame("asterix"), MinAtarGame("asterix")
    game.reset(seed=0)
    saved = game.state_dict()
    twin.load_state_dict(saved)
    lives = [[env.step(step % 6)[0] for step in range(40)] for env in (game, twin)]
    np.testing.assert_array_equal(*lives)
    later.load_state_dict(saved)
    np.testing.assert_array_equal([later.step(step % 6)[0] for step in range(40)], lives[0])


def test_a_chain_announces_copies():
    env = Chain(["CartPole-v1"], Every(10))
    env.reset(seed=0)[1]["task"]["environment"] = "elsewhere"
    assert env.task["environment"] == "CartPole-v1"
