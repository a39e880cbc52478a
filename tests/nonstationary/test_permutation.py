"""Permuted senses: nothing is lost, everything is elsewhere."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from plastic_rl.nonstationary import Every, Never, Nonstationary, PermuteObservations
from plastic_rl.nonstationary.draws import Draws


def permuted(env_id: str = "Pendulum-v1", **settings) -> Nonstationary:
    return Nonstationary(gymnasium.make(env_id), PermuteObservations(**settings), Every(200))


def test_by_hand():
    change = PermuteObservations()
    change.bind(gymnasium.make("Pendulum-v1"))
    change.apply(gymnasium.make("Pendulum-v1"), {"permutation": [2, 0, 1], "signs": [1, -1, 1]})
    seen = change.observation(np.array([10.0, 20.0, 30.0], np.float32))
    np.testing.assert_array_equal(seen, np.array([30.0, -10.0, 20.0]))
    assert seen.dtype == np.float32


def test_it_can_be_inverted_with_the_parameters_that_are_announced():
    env, plain = permuted(), gymnasium.make("Pendulum-v1")
    (seen, info), (true, _) = env.reset(seed=4), plain.reset(seed=4)
    restored = np.empty_like(true)
    restored[info["task"]["permutation"]] = seen * info["task"]["signs"]
    np.testing.assert_array_equal(restored, true)


def test_tasks_differ_and_signs_are_drawn():
    env = permuted("Ant-v5")
    first, second = env.parameters(0), env.parameters(1)
    assert first["permutation"] != second["permutation"]
    assert sorted(first["permutation"]) == list(range(105))
    assert set(first["signs"]) == {-1, 1}
    assert set(permuted("Ant-v5", signs=False).parameters(0)["signs"]) == {1}


def test_two_changes_on_one_environment_draw_independently():
    change = PermuteObservations()
    change.bind(gymnasium.make("Ant-v5"))
    assert change.draw(0, Draws(3, 0)) != change.draw(0, Draws(3, 1))


def test_the_space_holds_every_entry_at_every_place():
    env = permuted()
    np.testing.assert_array_equal(env.observation_space.low, [-8, -8, -8])
    np.testing.assert_array_equal(env.observation_space.high, [8, 8, 8])
    for _ in range(250):
        observation = env.reset()[0]
        assert observation in env.observation_space
        env.step(env.action_space.sample())


def test_images_and_numbers_without_signs_are_refused():
    with pytest.raises(
        ValueError, match="PermuteObservations needs observations that are vectors of signed numbers, got Discrete"
    ):
        Nonstationary(gymnasium.make("FrozenLake-v1"), PermuteObservations(), Never())
