"""The ridge score and its running moments: numbers by hand, agreement of forms, fading."""

from __future__ import annotations

import math

import pytest
import torch
from torch.autograd import gradcheck

from plastic_rl.nn.moments import Fading, RunningMoments
from plastic_rl.nn.ridge import ridge_score, ridge_weights


def samples(count: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_score_of_one_feature_by_hand():
    # Z̄ᵀZ̄ = 2, λ m = 1: EV = 2 · (1/3) · 2 / 2.
    z = torch.tensor([[-1.0], [1.0]])
    assert ridge_score(z, z, ridge=0.5).item() == pytest.approx(2 / 3)
    assert ridge_weights(z.T @ z, z.T @ z, 1.0).item() == pytest.approx(2 / 3)


@pytest.mark.parametrize("width", [4, 30])
def test_the_score_is_the_trace_that_defines_it(width: int):
    z, y = samples(20, width), samples(20, 3, seed=1)
    z0, y0 = z - z.mean(0), y - y.mean(0)
    inverse = torch.inverse(z0.T @ z0 + 0.1 * 20 * torch.eye(width, dtype=torch.float64))
    by_definition = (y0.T @ z0 @ inverse @ z0.T @ y0).trace() / y0.square().sum()
    torch.testing.assert_close(ridge_score(z, y), by_definition)


@pytest.mark.parametrize("width", [3, 9])
def test_gradients_are_those_of_finite_differences(width: int):
    y = samples(6, 2, seed=1).requires_grad_()
    assert gradcheck(ridge_score, (samples(6, width).requires_grad_(), y), raise_exception=True)


def test_explained_targets_score_one_and_constant_ones_zero():
    z = samples(50, 4)
    assert ridge_score(z, z @ samples(4, 2, seed=1), ridge=1e-9).item() == pytest.approx(1)
    assert ridge_score(z, torch.ones(50, 2, dtype=torch.float64)).item() == 0


def test_fading_by_hand():
    # A horizon of 2 halves a sample's weight with each one after it.
    fading = Fading(2.0)
    assert fading.add(1) == 1.0
    assert fading.add(1) == pytest.approx(1 / 1.5)
    assert fading.add(2) == pytest.approx(2 / (1.5 / 4 + 2))
    forever = Fading(math.inf)
    assert [forever.add(1), forever.add(3)] == [1.0, 0.75]
    with pytest.raises(ValueError, match=r"horizon is a number of samples, 1 or more; got 0\.5"):
        Fading(0.5)


def test_moments_of_batches_of_any_size_are_those_of_all_samples():
    z, y = samples(31, 4).float(), samples(31, 2, seed=1).float()
    moments = RunningMoments(4, 2, math.inf)
    for start, stop in ((0, 1), (1, 3), (3, 20), (20, 31)):
        moments.update(z[start:stop], y[start:stop])
    torch.testing.assert_close(moments.covariance, torch.cov(z.T, correction=0))
    torch.testing.assert_close(moments.target_variance, y.var(0, correction=0).sum())
    torch.testing.assert_close(moments.cross, (z - z.mean(0)).T @ (y - y.mean(0)) / 31)


def test_old_samples_fade():
    moments = RunningMoments(1, 1, 10.0)
    moments.update(torch.full((50, 1), 5.0), torch.zeros(50, 1))
    moments.update(torch.full((100, 1), 1.0), torch.zeros(100, 1))
    assert moments.mean.item() == pytest.approx(1.0, abs=1e-3)


def test_a_forgotten_feature_was_silent():
    z, y = samples(30, 3).float() + 1, samples(30, 2, seed=1).float()
    moments, silent = RunningMoments(3, 2, 100.0), RunningMoments(3, 2, 100.0)
    moments.update(z, y)
    silent.update(z * torch.tensor([1.0, 0.0, 1.0]), y)
    moments.forget(torch.tensor([False, True, False]))
    torch.testing.assert_close(moments.state_dict(), silent.state_dict())
    assert moments.weights(0.1)[1].tolist() == [0.0, 0.0]


def test_moments_far_from_zero_keep_their_variances():
    """In single precision the square of 10,000 is rounded by more than the variance."""
    z, y = samples(500, 4), samples(500, 2, seed=1)
    z[:, :2] += 0.5 * y
    offset = torch.tensor([0.0, 1e4, -1e6, 0.0])
    moments = RunningMoments(4, 2, math.inf)
    for part in range(0, 500, 50):
        moments.update((z[part : part + 50] + offset).float(), (y[part : part + 50] + 1e5).float())
    rounded = (z + offset).float().double()
    torch.testing.assert_close(moments.covariance.double(), torch.cov(rounded.T, correction=0), rtol=0.02, atol=0.02)
    torch.testing.assert_close(moments.target_variances.double(), y.var(0, correction=0), rtol=0.02, atol=0)
    weights = moments.weights(0.1)[:2].double()
    torch.testing.assert_close(weights, ridge_weights(torch.cov(z.T), cross(z, y), 0.1)[:2], rtol=0, atol=0.02)


def cross(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (z - z.mean(0)).T @ (y - y.mean(0)) / len(z)


@pytest.mark.parametrize("batch", [1, 32])
def test_the_origin_follows_features_that_drift_away(batch: int):
    z, y = samples(3200, 2).float(), samples(3200, 1, seed=1).float()
    drift = torch.arange(3200)[:, None] * torch.tensor([10.0, 0.0])
    moments = RunningMoments(2, 1, 100.0)
    for features, targets in zip((z + drift.clamp(max=1.5e4)).split(batch), y.split(batch), strict=True):
        moments.update(features, targets)
    assert moments.origin[1] == 0
    assert moments.origin[0] > 1e4
    assert moments.covariance.diagonal().tolist() == pytest.approx([1, 1], rel=0.4)


def test_near_zero_the_origin_stays_where_it_is():
    z, y = samples(640, 3).float() + 5, samples(640, 2, seed=1).float()
    moments = RunningMoments(3, 2, 100.0)
    for part in zip(z.split(64), y.split(64), strict=True):
        moments.update(*part)
    assert moments.origin.tolist() == [0, 0, 0]
    assert moments.target_origin.tolist() == [0, 0]


def test_a_feature_far_from_zero_is_forgotten_like_any_other():
    z, y = samples(60, 3).float() + torch.tensor([0.0, 1e4, 0.0]), samples(60, 2, seed=1).float()
    moments, silent = RunningMoments(3, 2, 100.0), RunningMoments(3, 2, 100.0)
    moments.update(z[:30], y[:30])
    silent.update(z[:30] * torch.tensor([1.0, 0.0, 1.0]), y[:30])
    assert moments.origin[1] != 0
    moments.forget(torch.tensor([False, True, False]))
    torch.testing.assert_close(moments.state_dict(), silent.state_dict())
    for each in (moments, silent):
        each.update(z[30:] * torch.tensor([1.0, 0.0, 1.0]), y[30:])
    torch.testing.assert_close(moments.covariance, silent.covariance)


def test_moments_that_were_saved_before_there_were_origins_are_about_zero():
    z, y = samples(30, 3).float(), samples(30, 2, seed=1).float()
    moments, loaded = RunningMoments(3, 2, 100.0), RunningMoments(3, 2, 100.0)
    moments.update(z, y)
    loaded.update(z + 1e5, y)
    state = {name: value for name, value in moments.state_dict().items() if "origin" not in name}
    loaded.load_state_dict(state)
    torch.testing.assert_close(loaded.state_dict(), moments.state_dict())


@pytest.mark.parametrize(("value", "written"), [(math.nan, "nan"), (math.inf, "inf"), (1e20, r"1e\+20")])
def test_what_cannot_be_squared_is_refused_before_it_is_taken_in(value: float, written: str):
    z, y = samples(30, 3).float(), samples(30, 2, seed=1).float()
    moments = RunningMoments(3, 2, 100.0)
    moments.update(z, y)
    before = {
        name: torch.as_tensor(part).clone() for name, part in moments.state_dict().items() if name != "_extra_state"
    }
    z[0, 0] = value
    with pytest.raises(ValueError, match=f"features reach a magnitude of {written}; magnitudes below"):
        moments.update(z, y)
    with pytest.raises(ValueError, match=f"targets reach a magnitude of {written}; magnitudes below"):
        moments.update(y.new_zeros(30, 3), z[:, :2])
    assert all(torch.equal(moments.state_dict()[name], part) for name, part in before.items())
    assert moments.fading.weight == 30


@pytest.mark.parametrize("magnitude", [1e4, 1e10, 1e20])
def test_the_score_of_an_odd_sample_is_that_of_double_precision(magnitude: float):
    z, y = samples(40, 8), samples(40, 2, seed=1)
    z[:, :2] += y
    z[0] *= magnitude
    single, double = ridge_score(z.float(), y.float()), ridge_score(z, y)
    assert single.item() == pytest.approx(double.item(), abs=1e-4)
