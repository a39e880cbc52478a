"""The proof catches what does not change, what changes too early, and what cannot be undone."""

from __future__ import annotations

import copy

import gymnasium
import mujoco
import numpy as np
import pytest
from gymnasium.envs.mujoco.ant_v5 import AntEnv

from plastic_rl.nonstationary import (
    Change,
    Every,
    Friction,
    Listed,
    Nonstationary,
    NotVerified,
    PermuteObservations,
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
    found = verify(lambda: ant(Friction(factors=Listed([1.0, 0.1]))))
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
    assert env.get_wrapper_attr("schedule") == Every(20_000)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ant(FloorFriction(factors=Listed([1.0, 0.02]))), "nothing changes: .* are identical over"),
        (lambda: ant(Friction(factors=Listed([1.0, 0.02])), CopiedModel()), "Does the simulator read what the change"),
        (lambda: ant(Friction(factors=Listed([0.5]))), "the first 20 tasks are all .*0.5"),
        (lambda: ant(Compounding()), "undo.. leaves something behind"),
        (lambda: ant(Early()), "differ already at step 0, before the change"),
        (lambda: ant(Infinite()), "not finite"),
    ],
)
def test_broken_changes_are_caught(make, message):
    with pytest.raises(NotVerified, match=message):
        verify(make)


def test_an_environment_that_never_changes_is_refused():
    with pytest.raises(ValueError, match="never changes: wrap it in Nonstationary"):
        verify("CartPole-v1")
