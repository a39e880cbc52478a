"""The proof catches what does not change, what changes too early, and what cannot be undone."""

from __future__ import annotations

import copy

import gymnasium
import mujoco
import numpy as np
import pytest
from gymnasium.envs.mujoco.ant_v5 import AntEnv
from gymnasium.spaces import Box, Dict, Discrete, Graph, MultiBinary, OneOf, Sequence, Text, Tuple

from plastic_rl.nonstationary import (
    Change,
    DelayObservations,
    Every,
    Friction,
    Listed,
    Nonstationary,
    NotVerified,
    PermuteObservations,
    ScaleReward,
    verify,
)


class FloorFriction(Friction):
    """The known no-op: contact friction is the maximum over the two geoms."""

    def write(self, model, parameters):
        model.geom_friction[0, 0] *= parameters["friction"]


class Compounding(Friction):
    """Forgets the defaults, so what it did once cannot be undone."""

    def undo(self, env):
        env.unwrapped.model.geom_friction[:, 0] /= 0.7


class Early(Change):
    """Random outside the tasks, and never seeded."""

    def draw(self, index, draws):
        return {"early": index}

    def observation(self, observation):
        return observation + np.random.default_rng().standard_normal(observation.shape)


class Infinite(Friction):
    """Breaks the simulation's numbers."""

    def observation(self, observation):
        return observation + np.inf


class CopiedModel(AntEnv):
    """Steps a copy of its model made at construction, like an environment on MJX or Brax."""

    def __init__(self) -> None:
        super().__init__()
        self.stepped_model = copy.deepcopy(self.model)

    def _step_mujoco_simulation(self, ctrl, n_frames):
        self.data.ctrl[:] = ctrl
        mujoco.mj_step(self.stepped_model, self.data, nstep=n_frames)
        mujoco.mj_rnePostConstraint(self.stepped_model, self.data)


def ant(change: Change, env: gymnasium.Env | None = None) -> Nonstationary:
    return Nonstationary(env or gymnasium.make("Ant-v5").unwrapped, change, Every(10))


def test_it_says_what_it_found():
    found = verify(lambda: ant(Friction(Listed([1.0, 0.1]))))
    assert (found.before["friction"], found.after["friction"]) == (1.0, 0.1)
    assert 0 < found.first_difference < 100
    assert found.largest_difference > 0.1


def test_a_change_of_senses_shows_at_once():
    assert verify(lambda: ant(PermuteObservations())).first_difference == 0


def test_an_environment_a_function_or_an_id_will_do():
    env = gymnasium.make("plastic_rl/PermutedCartPole-v0")
    assert verify(env) == verify("plastic_rl/PermutedCartPole-v0")


def test_the_environment_that_is_given_is_left_alone():
    env = gymnasium.make("plastic_rl/PermutedCartPole-v0")
    verify(env)
    assert env.get_wrapper_attr("clock").step == 0
    assert env.get_wrapper_attr("schedule") == Every(30_000)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ant(FloorFriction(Listed([1.0, 0.02]))), "nothing changes: .* are identical over"),
        (lambda: ant(Friction(Listed([1.0, 0.02])), CopiedModel()), "Does the simulator read what the change"),
        (lambda: ant(Friction(Listed([0.5]))), "the first 20 tasks are all .*0.5"),
        (lambda: ant(Compounding()), "undo.. leaves something behind"),
        (lambda: ant(Early()), "differ already at step 0, before the change"),
        (lambda: ant(Infinite()), "not finite"),
    ],
)
def test_broken_changes_are_caught(make, message):
    with pytest.raises(NotVerified, match=message):
        verify(make)


class Shapes(gymnasium.Env):
    """Shows samples of any space, and pays one a step."""

    def __init__(self, space) -> None:
        self.observation_space, self.action_space = space, gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.observation_space.seed(int(self.np_random.integers(1000)))
        return self.observation_space.sample(), {}

    def step(self, action):
        return self.observation_space.sample(), 1.0, False, False, {}


NUMBERS = Box(-1, 1, (2,))
SHAPES = {
    "dict": Dict(a=NUMBERS, b=Dict(c=Discrete(3), d=MultiBinary(2))),
    "tuple": Tuple([NUMBERS, Discrete(3)]),
    "text": Text(5),
    "graph": Graph(NUMBERS, Discrete(3)),
    "graph without names": Graph(NUMBERS, None),
    "sequence": Sequence(NUMBERS),
    "one of": OneOf([Discrete(3), NUMBERS]),
}


@pytest.mark.parametrize("space", SHAPES.values(), ids=SHAPES)
def test_observations_may_have_any_shape(space):
    paid = verify(lambda: Nonstationary(Shapes(space), ScaleReward(Listed([1.0, 3.0])), Every(5)), steps=10)
    assert (paid.first_difference, paid.largest_difference) == (1, 2.0)
    late = verify(lambda: Nonstationary(Shapes(space), DelayObservations(Listed([0.0, 1.0])), Every(5)), steps=10)
    assert late.largest_difference > 0


class Elsewhere(Change):
    """Moves a number deep within a dict, once it is applied, and for good."""

    moved = 0.0

    def draw(self, index, draws):
        return {"moved": 0.0 if index == 0 else 0.25}

    def apply(self, env, parameters):
        self.moved = max(parameters["moved"], self.moved)

    def observation(self, observation):
        return {"a": {"b": observation["a"]["b"] + self.moved}}


def test_the_largest_difference_is_found_wherever_it_is():
    space = Dict(a=Dict(b=NUMBERS))
    with pytest.raises(NotVerified, match="observations or actions are still transformed"):
        verify(lambda: Nonstationary(Shapes(space), Elsewhere(), Every(5)), steps=10)


class Nowhere(Elsewhere):
    """Shows what is no number."""

    def observation(self, observation):
        return {"a": {"b": observation["a"]["b"] * np.nan}}


def test_what_is_no_number_is_found_wherever_it_is():
    with pytest.raises(NotVerified, match="not finite"):
        verify(lambda: Nonstationary(Shapes(Dict(a=Dict(b=NUMBERS))), Nowhere(), Every(5)), steps=10)


def test_an_environment_that_never_changes_is_refused():
    with pytest.raises(ValueError, match="never changes: wrap it in Nonstationary"):
        verify("CartPole-v1")
