"""One-step models: errors in units of the usual ones, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from plastic_rl.nn.moments import RunningMoments
from plastic_rl.regimes import TransitionModel
from plastic_rl.regimes.transition_model import residual_variance


def rows(*values: float) -> np.ndarray:
    return np.array([[value] for value in values], dtype=np.float64)


def taught(noise: float, horizon: float = math.inf) -> TransitionModel:
    """A model of y = 2 z ± noise, z = ±1, of which it has seen all four cases equally often."""
    model = TransitionModel(1, 1, horizon)
    for _ in range(16):
        for z in (-1.0, 1.0):
            for sign in (-1.0, 1.0):
                model.learn(rows(z), rows(2 * z + sign * noise))
    return model


def test_an_error_of_three_times_the_usual_is_the_log_of_nine():
    errors = taught(noise=0.5).log_error(rows(1, 1, -1), rows(2 + 1.5, 2 + 0.5, -2 - 1.5))
    np.testing.assert_allclose(errors, np.log([9.0, 1.0, 9.0]), rtol=1e-6, atol=1e-6)


def test_where_nothing_is_left_unexplained_a_hundredth_of_the_targets_deviation_is_usual():
    errors = taught(noise=0.0).log_error(rows(1), rows(2 + 3 * 0.02))
    np.testing.assert_allclose(errors, np.log([9.0]), rtol=1e-6)


def test_a_target_that_was_always_the_same_surprises_when_it_is_not():
    model = TransitionModel(1, 2, math.inf)
    for step in range(64):
        z = float(step % 2)
        model.learn(rows(z), np.array([[z, 1.0]]))
    followed = np.array([[1.0, 1.0], [1.0, 1.5]])
    usual, odd = model.log_error(rows(1, 1), followed).tolist()
    assert usual < -10
    assert odd > 10


def test_a_young_model_finds_nothing_unusual():
    model = TransitionModel(1, 1, math.inf)
    assert model.is_young
    assert model.log_error(rows(1, 2), rows(1e6, -1e6)).tolist() == [0.0, 0.0]
    assert not taught(noise=0.5).is_young


def test_the_residual_variance_is_that_of_the_residuals():
    generator = torch.Generator().manual_seed(0)
    z, noise = (torch.randn(50, width, generator=generator, dtype=torch.float64) for width in (3, 2))
    y = z[:, :2] + 0.1 * noise + 5
    moments = RunningMoments(3, 2, math.inf).double()
    moments.update(z, y)
    weights = moments.weights(1e-6)
    residuals = (y - y.mean(0)) - (z - z.mean(0)) @ weights
    torch.testing.assert_close(residual_variance(moments, weights), residuals.square().mean(0))


def test_a_horizon_that_never_lets_a_model_grow_up_is_refused():
    with pytest.raises(ValueError, match=r"above 30 transitions for 3 features, got 30\.0"):
        TransitionModel(3, 1, 30.0)


def test_what_is_no_number_is_refused_with_its_magnitude():
    model, one = TransitionModel(1, 1, math.inf), rows(1)
    for _ in range(31):
        model.learn(math.nan * one, one)
    with pytest.raises(ValueError, match="features reach a magnitude of nan"):
        model.learn(one, one)


def test_a_world_far_from_zero_is_as_well_known():
    """In double precision 10⁸ ± 1 leaves no variance to E[y²] - E[y]²."""
    model, far = TransitionModel(1, 1, math.inf), TransitionModel(1, 1, math.inf)
    generator = torch.Generator().manual_seed(0)
    for _ in range(64):
        z = torch.randn(1, 1, generator=generator, dtype=torch.float64).numpy()
        y = 2 * z + 0.1 * torch.randn(1, 1, generator=generator, dtype=torch.float64).numpy()
        model.learn(z, y)
        far.learn(z + 2**27, y + 2**27)
    probe = rows(0.5, -1.0, 2.0)
    errors = model.log_error(probe, 2 * probe + 0.3)
    np.testing.assert_allclose(far.log_error(probe + 2**27, 2 * probe + 0.3 + 2**27), errors, rtol=1e-3, atol=1e-3)
