"""Classic control in batch: the bits of single copies, whatever has been done to their physics."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from plastic_rl.nonstationary.classic_control import batched_classic, squares, wrapped

COPIES = 5


def copies(env_id: str, **physics: float) -> list[Any]:
    envs = [gymnasium.make(env_id).unwrapped for _ in range(COPIES)]
    for seed, env in enumerate(envs):
        env.reset(seed=seed)
        for name, value in physics.items():
            setattr(env, name, value * (1 + seed / 10))
    return envs


def actions_for(env: Any, generator: np.random.Generator) -> np.ndarray:
    if isinstance(env.action_space, gymnasium.spaces.Discrete):
        return generator.integers(0, env.action_space.n, COPIES)
    return generator.uniform(-3, 3, (COPIES, 1)).astype(np.float32)  # beyond the bounds, too


WORLDS = {
    "CartPole-v1": {"gravity": 4.0, "length": 0.3, "masspole": 0.2, "polemass_length": 0.06, "total_mass": 1.2},
    "MountainCar-v0": {"force": 0.002, "gravity": 0.003},
    "Pendulum-v1": {"g": 6.0, "m": 1.5, "l": 0.7},
    "Acrobot-v1": {"LINK_LENGTH_1": 1.3, "LINK_MASS_1": 0.8, "LINK_MASS_2": 1.4, "LINK_COM_POS_1": 0.6},
}


@pytest.mark.parametrize("physics", [False, True], ids=["as made", "changed"])
@pytest.mark.parametrize("env_id", WORLDS)
def test_a_batch_steps_as_its_copies_do_alone_bit_for_bit(env_id: str, physics: bool):
    single, many = (copies(env_id, **(WORLDS[env_id] if physics else {})) for _ in range(2))
    batch, generator, ends = batched_classic(many), np.random.default_rng(0), 0
    assert batch is not None
    for step in range(250):
        actions = actions_for(single[0], generator)
        outcomes, outcome = [env.step(action) for env, action in zip(single, actions, strict=True)], batch.step(actions)
        for place, (seen, reward, terminated, *_) in enumerate(outcomes):
            np.testing.assert_array_equal(outcome.observations[place], seen)
            assert (float(reward), terminated) == (outcome.rewards[place], outcome.terminated[place])
            np.testing.assert_array_equal(single[place].state, many[place].state)
            if terminated or step % 100 == 99:
                ends += terminated
                np.testing.assert_array_equal(single[place].reset()[0], many[place].reset()[0])
        assert outcome.observations.dtype == outcomes[0][0].dtype
    assert ends > 0 or env_id != "CartPole-v1"


def test_physics_that_somebody_changes_between_two_steps_are_followed():
    envs = copies("CartPole-v1")
    batch = batched_classic(envs)
    assert batch is not None
    for gravity in (9.8, 1.0):
        alone = gymnasium.make("CartPole-v1").unwrapped
        alone.state, alone.gravity, envs[2].gravity = envs[2].state, gravity, gravity
        batch.step(np.ones(COPIES, int))
        np.testing.assert_array_equal(alone.step(1)[0], np.float32(envs[2].state))


def test_a_pendulum_remembers_its_torque_for_its_picture():
    single, many = copies("Pendulum-v1"), copies("Pendulum-v1")
    batch = batched_classic(many)
    assert batch is not None
    batch.step(np.full((COPIES, 1), 3, np.float32))
    single[0].step(np.array([3], np.float32))
    assert many[0].last_u == single[0].last_u == 2


def test_what_is_stepped_otherwise_is_left_alone():
    assert batched_classic(copies("CartPole-v1")[:2]) is None  # sooner done one by one
    assert batched_classic([*copies("CartPole-v1"), *copies("Pendulum-v1")]) is None
    assert batched_classic([gymnasium.make("MountainCarContinuous-v0").unwrapped] * COPIES) is None
    for env_id, name, value in (
        ("CartPole-v1", "kinematics_integrator", "semi-implicit euler"),
        ("CartPole-v1", "_sutton_barto_reward", True),
        ("CartPole-v1", "render_mode", "human"),
        ("CartPole-v1", "step", print),
        ("Acrobot-v1", "book_or_nips", "nips"),
        ("Acrobot-v1", "torque_noise_max", 1.0),
    ):
        envs = copies(env_id)
        setattr(envs[-1], name, value)
        assert batched_classic(envs) is None


def test_squares_are_those_of_single_numbers_and_angles_go_round():
    numbers = np.random.default_rng(0).standard_normal((3, 100))
    np.testing.assert_array_equal(squares(numbers), [[each**2 for each in row] for row in numbers.tolist()])
    np.testing.assert_allclose(
        wrapped(np.array([0.0, 4.0, -4.0, 10.0])), [0.0, 4 - 2 * np.pi, 2 * np.pi - 4, 10 - 4 * np.pi]
    )
