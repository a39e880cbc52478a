"""Friction really changes what happens, in every geom, and never compounds."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from plastic_rl.nonstationary import Every, Friction, Listed, Never, Nonstationary

STEPS = 120


def trajectory(env: gymnasium.Env, steps: int = STEPS) -> np.ndarray:
    """The simulator's states under one fixed stream of actions, with a reset in the middle."""
    actions = np.random.default_rng(0).uniform(-1, 1, (steps, *env.action_space.shape)).astype(np.float32)
    states = []
    for step, action in enumerate(actions):
        if step in (0, steps // 2):
            env.reset(seed=step)
        env.step(action)
        states.append(np.concatenate([env.unwrapped.data.qpos, env.unwrapped.data.qvel]))
    return np.array(states)


def slippery(env_id: str, factors: list[float], every: int = STEPS // 2) -> Nonstationary:
    return Nonstationary(gymnasium.make(env_id).unwrapped, Friction(Listed(factors)), Every(every))


@pytest.mark.parametrize("env_id", ["Ant-v5", "Hopper-v5", "Walker2d-v5", "HalfCheetah-v5"])
def test_the_trajectories_differ_after_the_change_and_only_then(env_id):
    plain, changed = trajectory(gymnasium.make(env_id).unwrapped), trajectory(slippery(env_id, [1.0, 0.05]))
    half = STEPS // 2
    np.testing.assert_array_equal(changed[:half], plain[:half])
    assert np.abs(changed[half:] - plain[half:]).max() > 1e-3


def test_the_floor_alone_changes_nothing_on_ant():
    floor_only = gymnasium.make("Ant-v5").unwrapped
    floor_only.model.geom_friction[0, 0] = 0.02
    np.testing.assert_array_equal(trajectory(floor_only), trajectory(gymnasium.make("Ant-v5").unwrapped))


def test_in_ant_the_factor_is_the_friction_of_every_geom():
    env = slippery("Ant-v5", [0.02])
    np.testing.assert_array_equal(env.unwrapped.model.geom_friction[:, 0], np.ones(14))
    env.reset(seed=0)
    np.testing.assert_array_equal(env.unwrapped.model.geom_friction[:, 0], np.full(14, 0.02))
    np.testing.assert_array_equal(env.unwrapped.model.geom_friction[:, 1], np.full(14, 0.5))


def test_a_walkers_feet_keep_their_proportion():
    env = slippery("Walker2d-v5", [0.5])
    default = env.unwrapped.model.geom_friction[:, 0].copy()
    assert len(set(default)) > 1, "the feet have frictions of their own"
    env.reset(seed=0)
    np.testing.assert_array_equal(env.unwrapped.model.geom_friction[:, 0], default * 0.5)


def test_factors_do_not_compound():
    env = slippery("Ant-v5", [0.5, 0.5, 0.1], every=1)
    for factor in (0.5, 0.5, 0.1, 0.5):
        env.reset(seed=0)
        assert env.unwrapped.model.geom_friction[0, 0] == factor
        env.step(env.action_space.sample())


def test_undo_restores_the_default_bit_for_bit():
    env = slippery("Hopper-v5", [0.3])
    default = env.unwrapped.model.geom_friction.copy()
    env.reset(seed=0)
    assert not np.array_equal(env.unwrapped.model.geom_friction, default)
    env.undo()
    np.testing.assert_array_equal(env.unwrapped.model.geom_friction, default)


def test_draws_are_log_uniform():
    env = Nonstationary(gymnasium.make("Ant-v5"), Friction(0.02, 2.0), Never())
    logs = np.log10([env.parameters(index)["friction"] for index in range(4000)])
    assert np.log10(0.02) <= logs.min() < logs.max() <= np.log10(2.0)
    thirds = np.histogram(logs, bins=np.linspace(np.log10(0.02), np.log10(2.0), 4))[0]
    assert np.abs(thirds / 4000 - 1 / 3).max() < 0.03


def test_slippery_ant_is_the_papers_ant():
    env = gymnasium.make("plastic_rl/SlipperyAnt-v0")
    observation, _ = env.reset(seed=0)
    assert observation.shape == (27,)
    rewards = [env.step(env.action_space.sample())[4]["reward_contact"] for _ in range(60)]
    assert set(rewards) == {0.0}, "Ant-v3's contact cost was zero under mujoco >= 2"
    assert env.get_wrapper_attr("schedule") == Every(2_000_000)
