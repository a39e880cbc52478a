"""Worlds whose resets build the model anew or draw its physics: what is announced is there all the same."""

from __future__ import annotations

import gymnasium
import mujoco
import numpy as np
import pytest
from gymnasium.envs.classic_control import CartPoleEnv
from gymnasium.envs.mujoco.hopper_v5 import HopperEnv

from plastic_rl.nonstationary import (
    ActuatorGain,
    BodyMass,
    CartPolePhysics,
    Every,
    Friction,
    Gravity,
    Listed,
    ModelField,
    Never,
    Nonstationary,
    verify,
)
from plastic_rl.runs.environment_state import environment_state, restore_environment_state


class Rebuilt(HopperEnv):
    """Builds its model anew at each reset."""

    def reset_model(self):
        self.model = mujoco.MjModel.from_xml_path(self.fullpath)
        self.data = mujoco.MjData(self.model)
        return super().reset_model()


class Cluttered(HopperEnv):
    """Builds another model at each reset, with more and more obstacles."""

    obstacles = 0

    def reset_model(self):
        spec = mujoco.MjSpec.from_file(self.fullpath)
        self.obstacles += 1
        for number in range(self.obstacles):
            spec.worldbody.add_geom(size=[0.1, 0, 0], pos=[50 + number, 0, 0], friction=[0.5, 0.005, 0.0001])
        self.model = spec.compile()
        self.data = mujoco.MjData(self.model)
        return super().reset_model()


class Redrawn(HopperEnv):
    """Draws its physics at each reset, around the values that it was made with."""

    def __init__(self) -> None:
        super().__init__()
        self.nominal = {name: np.copy(getattr(self.model, name)) for name in ("geom_friction", "body_mass")}

    def reset_model(self):
        for name, nominal in self.nominal.items():
            getattr(self.model, name)[:] = nominal * self.np_random.uniform(0.5, 1.5)
        return super().reset_model()


class Wandering(HopperEnv):
    """Draws its physics at each reset, around what they are."""

    def reset_model(self):
        self.model.geom_friction[:] *= self.np_random.uniform(0.5, 1.5)
        return super().reset_model()


class RedrawnCartPole(CartPoleEnv):
    def reset(self, *, seed=None, options=None):
        beginning = super().reset(seed=seed, options=options)
        self.length = float(self.np_random.uniform(0.3, 0.7))
        self.polemass_length = self.masspole * self.length
        return beginning


class Counting(gymnasium.Wrapper):
    resets = 0

    def reset(self, **settings):
        self.resets += 1
        return super().reset(**settings)


class Restless(HopperEnv):
    """Draws its physics at each step."""

    def step(self, action):
        self.model.geom_friction[:, 0] = self.np_random.uniform(0.5, 1.5)
        return super().step(action)


class GrowingCartPole(CartPoleEnv):
    """Has a pole that grows."""

    def step(self, action):
        self.length *= 1.01
        return super().step(action)


def slippery(env: gymnasium.Env, every: int = 3) -> Nonstationary:
    return Nonstationary(env, Friction(Listed([1.0, 0.5])), Every(every))


def frictions(env: gymnasium.Env) -> np.ndarray:
    return env.unwrapped.model.geom_friction[:, 0].copy()


@pytest.mark.parametrize("kind", [Rebuilt, Cluttered, Redrawn, Wandering])
def test_the_worlds_own_physics_are_what_is_changed(kind):
    env, plain = slippery(kind(), every=1), kind()
    for seed in range(6):
        info = env.reset(seed=seed)[1]
        plain.reset(seed=seed)
        if kind is Cluttered and seed == 0:
            plain.reset(seed=seed)  # one reset more: the one that showed that resets lose the change
        np.testing.assert_array_equal(frictions(env), frictions(plain) * info["task"]["friction"])
        env.step(env.action_space.sample())
    assert info["task"]["friction"] == 0.5


CHANGES = [
    Gravity(Listed([1.0, 0.5])),
    BodyMass(Listed([1.0, 2.0]), bodies=["torso"]),
    ActuatorGain(Listed([1.0, 0.5])),
    ModelField("dof_armature", factors=Listed([1.0, 2.0])),
    [Friction(Listed([1.0, 0.1])), BodyMass(Listed([1.0, 2.0]))],
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
@pytest.mark.parametrize("kind", [Rebuilt, Redrawn])
def test_every_change_of_physics_is_there_after_a_reset_and_can_be_undone(kind, change):
    found = verify(lambda: Nonstationary(kind(), change, Every(10)), steps=30)
    assert found.largest_difference > 1e-6


def test_a_redrawn_attribute_is_set_to_what_is_announced():
    env = Nonstationary(RedrawnCartPole(), CartPolePhysics(length=Listed([0.4, 0.8])), Every(1))
    for seed in range(4):
        announced = env.reset(seed=seed)[1]["task"]["length"]
        assert env.unwrapped.length == announced
        assert env.unwrapped.polemass_length == pytest.approx(0.1 * announced)
        env.step(0)
    env.undo()
    assert 0.3 <= env.unwrapped.length <= 0.7
    assert env.unwrapped.length not in (0.4, 0.8)


def test_a_world_that_keeps_what_is_written_is_reset_once():
    env = Nonstationary(Counting(HopperEnv()), Friction(), Every(1))
    for seed in range(4):
        env.reset(seed=seed)
        env.step(env.action_space.sample())
    assert env.env.resets == 4


@pytest.mark.parametrize("kind", [Rebuilt, Redrawn, Wandering])
def test_a_life_is_interrupted_and_goes_on(kind):
    env, fresh = slippery(kind(), every=5), slippery(kind(), every=5)
    env.action_space.seed(0)
    for seed in (0, None):
        env.reset(seed=seed)
        for _ in range(4):
            env.step(env.action_space.sample())
    restore_environment_state(fresh, environment_state(env))
    for _ in range(3):
        for _ in range(4):
            action = env.action_space.sample()
            np.testing.assert_array_equal(fresh.step(action)[0], env.step(action)[0])
        np.testing.assert_array_equal(frictions(fresh), frictions(env))
        np.testing.assert_array_equal(fresh.reset()[0], env.reset()[0])


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        (Restless, Friction(), "Restless.* writes geom_friction while it steps: Friction cannot hold there"),
        (GrowingCartPole, CartPolePhysics(length=Listed([0.5])), "writes length while .*: CartPolePhysics cannot"),
    ],
)
def test_physics_that_move_within_an_episode_are_refused(kind, change, message):
    env = Nonstationary(kind(), change, Never())
    env.reset(seed=0)
    env.step(env.action_space.sample())
    with pytest.raises(RuntimeError, match=message):
        env.reset()


@pytest.mark.parametrize(
    "make",
    [
        lambda: slippery(HopperEnv()),
        lambda: Nonstationary(CartPoleEnv(), CartPolePhysics(force=Listed([1.0])), Never()),
    ],
)
def test_older_checkpoints_are_read(make):
    env, fresh = make(), make()
    env.reset(seed=0)
    saved = {"clock": env.run_clock.state_dict(), "task": env.task, "changes": [{}]}
    fresh.load_state_dict(saved)
    np.testing.assert_array_equal(fresh.reset(seed=3)[0], env.reset(seed=3)[0])
