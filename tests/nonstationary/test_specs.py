"""Specs of changing worlds: through JSON and back they make the same world again."""

from __future__ import annotations

import json
from dataclasses import dataclass

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

from plastic_rl.nonstationary import (
    WORLDS,
    At,
    BodyMass,
    Bursts,
    CartPolePhysics,
    Change,
    Constant,
    Cycle,
    DelayActions,
    Every,
    EveryEpisodes,
    Friction,
    Gravity,
    LinearDrift,
    Listed,
    ModelField,
    Nonstationary,
    NormalValues,
    OrnsteinUhlenbeck,
    PermuteObservations,
    PoissonSchedule,
    ShowTask,
    Sinusoid,
)
from plastic_rl.nonstationary.descriptions import description, rebuilt

PACKAGES = {"NoisyLunarLander": "Box2D", "MinAtarChain": "minatar"}


def again(env: gymnasium.Env) -> gymnasium.Env:
    return gymnasium.make(EnvSpec.from_json(env.spec.to_json()))


def assert_same_world(one: gymnasium.Env, other: gymnasium.Env) -> None:
    assert str(one) == str(other)
    for name in ("schedule", "clock"):
        assert one.get_wrapper_attr(name) == other.get_wrapper_attr(name)
    for index in range(4):
        assert one.get_wrapper_attr("parameters")(index) == other.get_wrapper_attr("parameters")(index)
    np.testing.assert_array_equal(one.reset(seed=3)[0], other.reset(seed=3)[0])
    one.step(one.action_space.sample()), other.step(one.action_space.sample())
    assert one.get_wrapper_attr("clock") == other.get_wrapper_attr("clock")


@pytest.mark.parametrize("name", sorted(WORLDS))
def test_every_id_is_made_again(name):
    if name in PACKAGES:
        pytest.importorskip(PACKAGES[name])
    seed = {} if "Chain" in name else {"seed": 5}
    env = gymnasium.make(f"plastic_rl/{name}-v0", change_every=77, copies=3, **seed)
    assert_same_world(env, again(env))
    assert again(again(env)).spec == again(env).spec


def test_settings_of_ids_that_are_lists_are_made_again():
    env = gymnasium.make("plastic_rl/RecurringAnt-v0", frictions=(0.1, 0.2))
    assert again(env).get_wrapper_attr("parameters")(1)["friction"] == 0.2
    chain = gymnasium.make("plastic_rl/ClassicChain-v0", environments=("Acrobot-v1", "CartPole-v1"))
    assert again(chain).get_wrapper_attr("parameters")(0)["environment"] == "Acrobot-v1"


@dataclass
class Shift(Change):
    """A change that somebody else wrote."""

    sizes: tuple[float, ...] = (0.0, 1.0)

    def draw(self, index, draws):
        return {"shift": self.sizes[index % len(self.sizes)]}


HAND_MADE = [
    ("Ant-v5", Friction(0.1, 0.5), Every(5)),
    ("Ant-v5", [BodyMass(NormalValues(1.0, 0.1), bodies=["torso"]), PermuteObservations(False)], Cycle(At([3, 9]), 2)),
    ("Ant-v5", ModelField("dof_armature", added=(0.0, 1.0)), PoissonSchedule(10.0, seed=3)),
    ("Hopper-v5", Gravity(LinearDrift(1.0, 2.0, 7), tilts=(0, 20)), Bursts(10, 2, at="step")),
    ("CartPole-v1", CartPolePhysics(length=OrnsteinUhlenbeck(0.5, 0.1, 0.2, low=0.1), force=9), EveryEpisodes(2)),
    ("CartPole-v1", [DelayActions(Listed([0, 2])), Shift((1.0, 2.0))], Every(5)),
    ("CartPole-v1", CartPolePhysics(gravity=Sinusoid(9.8, 1.0, 10), cart_mass=Constant(1.0)), Every(1, at="step")),
]


@pytest.mark.parametrize(("env_id", "change", "schedule"), HAND_MADE)
def test_worlds_made_by_hand_are_made_again(env_id, change, schedule):
    for copy in (again, lambda env: gymnasium.make(env.spec)):
        env = Nonstationary(gymnasium.make(env_id), change, schedule, seed=4, copies=2)
        assert_same_world(env, copy(env))


def test_given_tasks_and_wrappers_around_are_made_again():
    tasks = [{"index": index, "friction": 0.5} for index in range(4)]
    env = ShowTask(Nonstationary(gymnasium.make("Ant-v5"), Friction(), Every(1), tasks=tasks))
    assert again(env).reset(seed=0)[0][-1] == 0.5


def test_a_spec_says_what_changes_in_plain_data():
    env = Nonstationary(gymnasium.make("Ant-v5"), Friction(0.1, 0.5), Every(5))
    (*_, wrapper) = json.loads(env.spec.to_json())["additional_wrappers"]
    assert wrapper["kwargs"]["change"] == {
        "type": "plastic_rl.nonstationary.mujoco_bodies:Friction",
        "values": 0.1,
        "high": 0.5,
    }


def test_descriptions_are_rebuilt_into_what_they_describe():
    for _, change, schedule in HAND_MADE:
        through_json = json.loads(json.dumps(description([change, schedule])))
        assert description(rebuilt(through_json)) == through_json


class Undescribed(Change):
    """No dataclass, so nothing says what it is made from."""

    def draw(self, index, draws):
        return {"nothing": index}


def test_a_change_that_cannot_be_described_still_makes_a_spec_that_makes_it_again():
    env = Nonstationary(gymnasium.make("CartPole-v1"), Undescribed(), Every(5))
    assert_same_world(env, gymnasium.make(env.spec))


@pytest.mark.parametrize(
    ("change", "schedule", "message"),
    [
        ({"low": 0.02, "high": 2.0}, Every(1), r"change must be a Change or several, got \{'low'"),
        (description(Every(1)), Every(1), "change must be a Change or several, got Every"),
        (description([Friction(), Constant(1.0)]), Every(1), "change must be a Change or several, got Constant"),
        (Friction(), description(Friction()), "schedule must be a Schedule, got Friction"),
        (Friction(), {"steps": 3}, "schedule must be a Schedule, got {'steps'"),
        ({"type": "os:system", "command": "true"}, Every(1), "os:system is no Change, Schedule or Values"),
        ({"type": "nowhere:Friction"}, Every(1), "nowhere:Friction is not there"),
        ({"type": "plastic_rl.nonstationary:Slip"}, Every(1), "plastic_rl.nonstationary:Slip is not there"),
        (
            {"type": "plastic_rl.nonstationary:Friction", "smallest": 1.0},
            Every(1),
            "Friction cannot be made from {'smallest': 1.0}",
        ),
    ],
)
def test_what_is_no_change_and_no_schedule_is_named(change, schedule, message):
    with pytest.raises(ValueError, match=message):
        Nonstationary(gymnasium.make("Ant-v5"), change, schedule)
