"""Detection of changes in toy worlds that are not linear, by whole rollouts."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch

from plastic_rl.regimes import ChangeDetector, RegimeDetector, Transitions
from plastic_rl.regimes.change_detector import PATIENCE
from plastic_rl.regimes.random_features import RandomFeatures
from plastic_rl.regimes.transition_model import TransitionModel

STEPS = 500


def detector(copies: int = 1, **settings: float) -> ChangeDetector:
    return ChangeDetector(2, 1, copies, **settings)


def rollout(
    phase: float, seed: int, *, copies: int = 1, reach: float = 1.0, steps: int = STEPS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places as far as `reach`, what a wavy law makes of them, with noise of a fiftieth, and no end."""
    rng = np.random.default_rng(seed)
    x = reach * rng.uniform(-1, 1, (steps, copies, 2))
    y = np.sin(2 * x[..., :1] + phase) + x[..., 1:] ** 2 + 0.02 * rng.normal(size=(steps, copies, 1))
    return x, y, np.zeros((steps, copies), dtype=bool)


def mature(**settings: float) -> ChangeDetector:
    watcher = detector(**settings)
    for seed in range(6):
        watcher.observe(*rollout(0.0, seed, copies=len(watcher.sums)))
    assert not watcher.model.is_young
    return watcher


def test_a_change_of_the_law_is_counted_once_and_its_return_again():
    watcher, counts = detector(), []
    for phase in (0.0, 2.0, 0.0):
        for seed in range(8):
            watcher.observe(*rollout(phase, seed))
            counts.append(watcher.changes)
    assert counts == [0] * 8 + [1] * 8 + [2] * 8


def test_a_policy_that_goes_ever_farther_in_the_same_world_raises_no_alarm():
    watcher, linear = detector(), RegimeDetector(2, 1, 1)
    ramp = np.tile(np.linspace(0, 1, 50), STEPS // 50)[:, None]
    for stage in range(12):
        x, _, ended = rollout(0.0, stage)
        x[..., 1] = 1.3**stage * ramp  # as one that swings up, ten times
        y = x[..., :1] + x[..., 1:] ** 2 + 0.02 * np.random.default_rng(stage).normal(size=(STEPS, 1, 1))
        watcher.observe(x, y, ended)
        for each, following in zip(x, y, strict=True):
            linear.observe(Transitions(each, following, [False]))
    assert watcher.changes == 0
    assert len(linear.models) > 1  # that of tasks, whose model is linear, takes this for other tasks


def test_surprises_are_counted_but_for_those_at_the_end_of_an_episode():
    watcher = mature(threshold=1_000.0)
    x, y, ended = rollout(0.0, 9, steps=100)
    ended[::10] = True
    watcher.observe(x, y + 5.0, ended)
    assert watcher.sums == pytest.approx([90])
    watcher.observe(*rollout(0.0, 10, steps=40))  # each of which counts against it
    assert watcher.sums == pytest.approx([50], abs=2)
    assert watcher.changes == 0


def test_the_sums_of_all_copies_count_together():
    watcher = mature(copies=4, threshold=150.0)
    x, y, ended = rollout(0.0, 9, copies=4, steps=60)
    y[:, :3] += 5.0
    watcher.observe(x, y, ended)
    assert watcher.changes == 1
    assert watcher.sums.tolist() == [0, 0, 0, 0]
    assert watcher.is_behind.tolist() == [False, False, False, True]


def test_what_stays_new_without_an_alarm_is_learnt_as_the_same_world():
    watcher = mature(threshold=400.0)
    for seed in range(40):
        x, y, ended = rollout(0.0, seed, steps=200)
        x[80:, :, 0], y[80:] = 3.0, 5.0  # most of each rollout is somewhere new
        watcher.observe(x, y, ended)
        assert len(watcher.held[0][0]) <= PATIENCE * watcher.threshold
    assert watcher.changes == 0
    assert watcher.sums == pytest.approx([0])


def test_a_copy_that_is_still_in_the_world_before_counts_from_its_next_episode():
    watcher = mature(copies=2, threshold=100.0)
    watcher.observe(*_mixed(seed=20, arrives=None))
    assert watcher.changes == 1
    assert watcher.is_behind.tolist() == [False, True]
    for seed in range(21, 30):
        watcher.observe(*_mixed(seed=seed, arrives=250 if seed == 27 else None if seed < 27 else 0))
        assert watcher.changes == 1
    assert not watcher.is_behind.any()


def _mixed(seed: int, arrives: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A rollout of two copies, the first of which is in the new world; the second comes there as an episode ends."""
    x, y, ended = rollout(2.0, seed, copies=2)
    before = rollout(0.0, seed, copies=2)[1]
    stays = STEPS if arrives is None else arrives
    y[:stays, 1] = before[:stays, 1]
    if arrives:
        ended[arrives, 1] = True
    return x, y, ended


def test_a_saved_detector_goes_on_exactly():
    first = mature(copies=2, threshold=300.0)
    x, y, ended = rollout(2.0, 7, copies=2, steps=100)
    first.observe(x, y, ended)  # a doubt, and transitions that wait for its end
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second = detector(copies=2, threshold=300.0)
    second.load_state_dict(torch.load(file, weights_only=True))
    for watcher in (first, second):
        for seed in range(8, 16):
            watcher.observe(*rollout(2.0, seed, copies=2))
    assert first.changes == second.changes == 1
    saved, loaded = first.state_dict(), second.state_dict()
    torch.testing.assert_close(saved, loaded, rtol=0, atol=0)


def test_a_young_model_finds_nothing_unusual():
    watcher = detector()
    for seed, phase in enumerate((0.0, 2.0, 0.0, 2.0)):
        watcher.observe(*rollout(phase, seed))
    assert watcher.model.is_young
    assert watcher.changes == 0


def test_wrong_settings_and_states_are_refused():
    for name in ("tolerance", "threshold"):
        with pytest.raises(ValueError, match=f"{name} must be above 0, got 0"):
            detector(**{name: 0.0})
    with pytest.raises(ValueError, match="horizon must be above 2020 transitions for 202 features, got 1000"):
        detector(horizon=1_000.0)
    with pytest.raises(ValueError, match="watches 2 copies, this one 1"):
        detector().load_state_dict(detector(copies=2).state_dict())
    with pytest.raises(ValueError, match="detected in another way when this was saved"):
        detector().load_state_dict(RegimeDetector(2, 1, 1).state_dict())


def test_random_features_are_the_standardised_ones_and_cosines_of_them():
    features = RandomFeatures(2, 3)
    features.place(np.array([[0.0, 7.0], [2.0, 7.0]]))  # the second never varies
    found = features(np.array([[1.0, 7.0], [4.0, 8.0]]))
    assert found[:, :2].tolist() == [[0, 0], [3, 0]]
    np.testing.assert_allclose(found[0, 2:], np.cos(features.phases), atol=1e-6)
    np.testing.assert_allclose(found[1, 2:], np.cos(3 * features.frequencies[0] + features.phases), atol=1e-6)
    assert np.array_equal(RandomFeatures(2, 3).frequencies, features.frequencies)


def test_what_is_constant_is_left_out_and_the_state_is_made_of_finite_numbers():
    x, y, _ = rollout(0.0, 0)
    with_constant = np.concatenate([x[:, 0], np.full((len(x), 1), 3.0)], axis=1)
    model = TransitionModel(3, 1, 10_000.0, 10)
    model.learn(with_constant, y[:, 0])
    state = model.random.state_dict()
    assert state["scale"][2] == 0
    assert all(value.isfinite().all() for value in state.values())
    moved = with_constant + np.array([0.0, 0.0, 5.0])
    assert np.array_equal(model.random(moved), model.random(with_constant))


def test_a_model_with_cosines_knows_a_law_that_is_not_linear():
    errors = []
    for cosines in (0, 100):
        model = TransitionModel(2, 1, 10_000.0, cosines)
        for seed in range(6):
            x, y, _ = rollout(0.0, seed)
            model.learn(x[:, 0], y[:, 0])
        x, y, _ = rollout(2.0, 6)
        errors.append(np.median(model.log_error(x[:, 0], y[:, 0])))
    assert errors[0] < 3
    assert errors[1] > 5
