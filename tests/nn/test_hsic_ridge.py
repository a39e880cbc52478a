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
