"""The objectives of single blocks, by hand and against the pure functions they are made of."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from plastic_rl.nn import DivisiveNorm, OneHot, Standardized
from plastic_rl.nn.hsic import hsic, linear_cka, linear_hsic, normalized_hsic, plausible_hsic
from plastic_rl.nn.kernels import cosine_kernel, gaussian_kernel
from plastic_rl.nn.local.objectives import GaussianHSIC, LinearHSIC, NormalizedHSIC, RandomFourierHSIC
from plastic_rl.nn.local.plausible import PlausibleHSIC, grouped
from plastic_rl.nn.local.predictors import (
    Prediction,
    PredictionSimilarity,
    Ridge,
    Similarity,
    similarity_matrix,
)
from plastic_rl.nn.ridge import ridge_score

ENCODER = OneHot(3)
LABELS = torch.arange(18) % 3


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


X, Z, Y = drawn(18, 7), drawn(18, 6, seed=1).double(), ENCODER(LABELS)


def value(objective, features=Z, inputs=X, targets=Y) -> torch.Tensor:
    inputs, targets = inputs.to(features.dtype), targets.to(features.dtype)
    return objective(features, objective.prepare(inputs, targets))


def test_normalised_hsic_is_the_bottleneck():
    kx, kz, ky = (gaussian_kernel(part.double(), 2.0) for part in (X, Z, Y))
    expected = normalized_hsic(kz, kx) - 30 * normalized_hsic(kz, ky)
    torch.testing.assert_close(value(NormalizedHSIC(Z, ENCODER, beta=30.0, sigma=2.0)), expected)
    alone = value(NormalizedHSIC(Z, ENCODER, beta=math.inf, sigma=2.0))
    torch.testing.assert_close(alone, -normalized_hsic(kz, ky))


def test_gaussian_hsic_has_a_linear_label_kernel():
    kx, kz = gaussian_kernel(X.double(), 1.0), gaussian_kernel(Z, 1.0)
    ky = Y.double() @ Y.double().T
    torch.testing.assert_close(value(GaussianHSIC(Z, ENCODER)), -hsic(kz, ky))
    torch.testing.assert_close(value(GaussianHSIC(Z, ENCODER, beta=3.0)), hsic(kz, kx) - 3 * hsic(kz, ky))


def test_linear_hsic_in_feature_space():
    expected = linear_cka(Z, X.double()) - 4 * linear_cka(Z, Y.double())
    torch.testing.assert_close(value(LinearHSIC(Z, ENCODER, beta=4.0)), expected)
    torch.testing.assert_close(value(LinearHSIC(Z, ENCODER, is_normalized=False)), -linear_hsic(Z, Y.double()))


def test_random_fourier_hsic_approaches_the_gaussian_one():
    approximate = value(RandomFourierHSIC(Z, ENCODER, frequencies=20_000))
    assert approximate.item() == pytest.approx(value(GaussianHSIC(Z, ENCODER)).item(), rel=0.02)


def test_random_frequencies_are_a_function_of_the_seed_alone():
    torch.manual_seed(1)
    first = RandomFourierHSIC(Z, ENCODER, seed=3).frequencies
    torch.manual_seed(2)
    torch.testing.assert_close(RandomFourierHSIC(Z, ENCODER, seed=3).frequencies, first)
    assert not torch.equal(RandomFourierHSIC(Z, ENCODER, seed=4).frequencies, first)


def test_plausible_hsic_of_kernels():
    centred = Y.double() - Y.double().mean(0)
    for sigma, kernel in ((0.0, cosine_kernel(Z)), (2.0, gaussian_kernel(Z, 2.0))):
        expected = plausible_hsic(kernel, kernel) - 5 * plausible_hsic(kernel, centred @ centred.T)
        torch.testing.assert_close(value(PlausibleHSIC(Z, ENCODER, gamma=5.0, sigma=sigma)), expected)


def test_groups_by_hand():
    # Groups (1, 3) and (2, 8): less their means (-1, 1) and (-3, 3); variances (δ + 2) / 2 and (δ + 18) / 2.
    centred, variance = grouped(torch.tensor([[1.0, 3.0, 2.0, 8.0]]), 2, smoothing=2.0)
    assert centred.tolist() == [[[-1.0, 1.0], [-3.0, 3.0]]]
    assert variance.tolist() == [[2.0, 10.0]]


def test_divisive_normalisation_by_hand():
    x = torch.tensor([[1.0, 3.0, 2.0, 8.0]])
    torch.testing.assert_close(DivisiveNorm(2, smoothing=0.0)(x), torch.tensor([[-1.0, 1.0, -1.0, 1.0]]))
    torch.testing.assert_close(DivisiveNorm(2, power=1.0, smoothing=0.0)(x), torch.tensor([[-1, 1, -1 / 3, 1 / 3]]))
    assert DivisiveNorm(2)(drawn(3, 4, 5, 5)).shape == (3, 4, 5, 5)


@pytest.mark.parametrize("groups", [0, 4, 6])
def test_features_that_cannot_be_grouped_are_refused(groups: int):
    with pytest.raises(ValueError, match=f"6 features cannot be split into {groups} equal groups of two or more"):
        grouped(Z, groups, 1.0)


def test_grouping_compares_the_deviations_of_groups():
    deviations = cosine_kernel(grouped(Z, 3, 1.0)[1].sqrt())
    centred = Y.double() - Y.double().mean(0)
    expected = plausible_hsic(deviations, deviations) - 2 * plausible_hsic(deviations, centred @ centred.T)
    torch.testing.assert_close(value(PlausibleHSIC(Z, ENCODER, groups=3)), expected)


def test_ridge_is_minus_the_score_on_a_first_batch_and_so_is_its_gradient():
    objective = Ridge(Z, ENCODER, ridge=0.2).double()
    features, again = Z.clone().requires_grad_(), Z.clone().requires_grad_()
    loss, score = value(objective, features), ridge_score(again, Y.double(), 0.2)
    torch.testing.assert_close(loss, -score)
    torch.testing.assert_close(torch.autograd.grad(loss, features), torch.autograd.grad(-score, again))


def test_ridge_remembers_so_that_single_samples_suffice():
    objective, whole = Ridge(Z, ENCODER, horizon=math.inf).double(), Ridge(Z, ENCODER).double()
    for sample, target in zip(Z.split(1), Y.double().split(1), strict=True):
        assert value(objective, sample, targets=target).isfinite()
    value(whole)
    torch.testing.assert_close(objective.moments.weights(0.1), whole.moments.weights(0.1))


def test_similarity_by_hand():
    # Less their means the samples are (-1, 0, 1), (1, 0, -1) and (-1, 2, -1): correlations 1, -1 and 0.
    x = torch.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0], [0.0, 3.0, 0.0]])
    expected = torch.tensor([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    torch.testing.assert_close(similarity_matrix(x), expected)


def test_maps_are_compared_by_their_deviations():
    maps = drawn(5, 4, 3, 3)
    torch.testing.assert_close(similarity_matrix(maps), similarity_matrix(maps.flatten(2).std(2)))


def test_similarity_is_the_squared_difference_of_matrices():
    objective = Similarity(drawn(2, 6), ENCODER)
    nn.init.eye_(objective.projection.weight)
    expected = (similarity_matrix(Z.float()) - similarity_matrix(Y)).square().mean()
    torch.testing.assert_close(value(objective, Z.float(), X, Y), expected)


def test_similarity_needs_columns_to_compare():
    with pytest.raises(ValueError, match="similarity needs targets of two columns or more, got 1"):
        Similarity(Z, Standardized(1))


def test_a_probe_at_zero_knows_nothing():
    assert value(Prediction(Z, ENCODER), Z.float(), X, Y).item() == pytest.approx(math.log(3), abs=0.5)
    probe = Prediction(Z, Standardized(2))
    nn.init.zeros_(probe.probe.bias)
    targets = drawn(18, 2, seed=4)
    torch.testing.assert_close(value(probe, Z.float(), X, targets), targets.square().mean())


def test_wide_maps_are_pooled_for_the_probe():
    assert Prediction(drawn(1, 64, 32, 32), ENCODER).probe.in_features == 4096
    assert Prediction(drawn(1, 8, 3, 3), ENCODER).probe.in_features == 72


@pytest.mark.parametrize("share", [0.0, 0.99, 1.0])
def test_prediction_and_similarity_are_mixed(share: float):
    objective = PredictionSimilarity(Z, ENCODER, similarity=share)
    parts = value(objective.prediction, Z.float(), X, Y), value(objective.similarity, Z.float(), X, Y)
    torch.testing.assert_close(value(objective, Z.float(), X, Y), (1 - share) * parts[0] + share * parts[1])


def test_a_share_is_a_share():
    with pytest.raises(ValueError, match=r"similarity must be in \[0, 1\], got 2"):
        PredictionSimilarity(Z, ENCODER, similarity=2.0)
