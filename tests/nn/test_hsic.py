"""Kernels and independence criteria: numbers worked out by hand, agreement between forms, gradients."""

from __future__ import annotations

import math

import pytest
import torch
from torch.autograd import gradcheck

from plastic_rl.nn.hsic import (
    hsic,
    linear_cka,
    linear_hsic,
    normalized_hsic,
    plausible_hsic,
    random_fourier_hsic,
    whitened,
    whitened_trace,
)
from plastic_rl.nn.kernels import (
    centered,
    cosine_kernel,
    draw_frequencies,
    gaussian_kernel,
    random_fourier_features,
)

TWO = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
A = math.exp(-0.5)  # the kernel of two points one apart, at sigma = 1


def samples(count: int = 12, width: int = 5, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def classes(count: int = 12, number: int = 3) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.arange(count) % number).double()


def test_gaussian_kernel_of_two_points():
    expected = torch.tensor([[1, A], [A, 1]], dtype=torch.float64)
    torch.testing.assert_close(gaussian_kernel(TWO, 1.0), expected)
    # The bandwidth grows with the dimension: the same column twice is the same kernel.
    torch.testing.assert_close(gaussian_kernel(TWO.repeat(1, 2), 1.0), expected)


def test_one_hot_labels_at_the_papers_bandwidth_are_almost_one_constant():
    kernel = gaussian_kernel(classes(10, 10), 5.0)
    assert kernel[0, 1].item() == pytest.approx(math.exp(-2 / 500))


def test_several_bandwidths_are_averaged():
    mean = (gaussian_kernel(TWO, 1.0) + gaussian_kernel(TWO, 3.0)) / 2
    torch.testing.assert_close(gaussian_kernel(TWO, (1.0, 3.0)), mean)


@pytest.mark.parametrize("sigma", [0.0, -1.0, (1.0, 0.0), ()])
def test_a_bandwidth_must_be_above_zero(sigma):
    with pytest.raises(ValueError, match="sigma must be above 0"):
        gaussian_kernel(TWO, sigma)


def test_distances_do_not_suffer_from_a_far_away_mean():
    x = samples().float()
    torch.testing.assert_close(gaussian_kernel(x + 1000, 1.0), gaussian_kernel(x, 1.0), rtol=0, atol=1e-4)


def test_cosine_kernel_of_two_directions():
    x = torch.tensor([[3.0, 4.0], [4.0, 3.0], [0.0, 0.0]])
    expected = torch.tensor([[1.0, 0.96, 0.0], [0.96, 1.0, 0.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(cosine_kernel(x), expected)


def test_centred_kernel_of_two_points():
    half = (1 - A) / 2
    expected = torch.tensor([[half, -half], [-half, half]], dtype=torch.float64)
    torch.testing.assert_close(centered(gaussian_kernel(TWO, 1.0)), expected)


def test_hsic_of_two_points_by_hand():
    kernel = gaussian_kernel(TWO, 1.0)
    assert hsic(kernel, kernel).item() == pytest.approx((1 - A) ** 2)
    # Entries 1, A, A, 1: their variance is ((1 - A) / 2)².
    assert plausible_hsic(kernel, kernel).item() == pytest.approx((1 - A) ** 2 / 4)


def test_normalised_hsic_of_two_points_by_hand():
    # K̄ has one eigenvalue, 1 - A; R has (1 - A) / (1 - A + 2 ε).
    kernel, epsilon = gaussian_kernel(TWO, 1.0), 0.1
    share = (1 - A) / (1 - A + 2 * epsilon)
    assert normalized_hsic(kernel, kernel, epsilon).item() == pytest.approx(share**2)
    assert whitened_trace(kernel, whitened(kernel, epsilon), epsilon).item() == pytest.approx(share**2)


def test_linear_forms_of_two_points_by_hand():
    # x̄ = (-½, ½), ȳ = (-1, 1): x̄ᵀȳ = 1.
    assert linear_hsic(TWO, 2 * TWO).item() == pytest.approx(1.0)
    assert linear_cka(TWO, 2 * TWO).item() == pytest.approx(1.0)
    assert linear_cka(TWO, torch.ones(2, 3, dtype=torch.float64)).item() == 0.0


def test_random_fourier_features_with_two_frequencies_by_hand():
    frequencies = torch.tensor([[0.0, math.pi / 2]], dtype=torch.float64)
    expected = torch.tensor([[1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 1.0]], dtype=torch.float64) / math.sqrt(2)
    torch.testing.assert_close(random_fourier_features(TWO, frequencies), expected)
    # Centred: (0, ½, 0, -½) / √2 for the first sample, the opposite for the second.
    assert random_fourier_hsic(TWO, TWO, frequencies, frequencies).item() == pytest.approx(0.25)


def test_feature_space_and_kernel_space_agree():
    x, y = samples(width=5), samples(width=3, seed=1)
    torch.testing.assert_close(linear_hsic(x, y), hsic(x @ x.T, y @ y.T))
    torch.testing.assert_close(linear_hsic(x + 7, y - 3), linear_hsic(x, y))
    ratio = hsic(x @ x.T, y @ y.T) / (hsic(x @ x.T, x @ x.T) * hsic(y @ y.T, y @ y.T)).sqrt()
    torch.testing.assert_close(linear_cka(x, y), ratio)


@pytest.mark.parametrize("width", [3, 40])
def test_the_scale_of_alignment_is_the_same_from_either_gram_matrix(width: int):
    x = samples(width=width)
    centred = x - x.mean(0)
    plain = (centred.T @ classes()).square().sum() / ((centred.T @ centred).norm() * _gram(classes()))
    torch.testing.assert_close(linear_cka(x, classes()), plain)


def _gram(y: torch.Tensor) -> torch.Tensor:
    y = y - y.mean(0)
    return (y.T @ y).norm()


def test_plausible_hsic_is_hsic_for_centred_labels():
    y = classes() - classes().mean(0)
    x, m = gaussian_kernel(samples(), 1.0), 12
    torch.testing.assert_close(plausible_hsic(x, y @ y.T), hsic(x, y @ y.T) * ((m - 1) / m) ** 2)


def test_random_fourier_features_approach_the_gaussian_kernel():
    x, generator = samples(), torch.Generator().manual_seed(0)
    frequencies = draw_frequencies(5, 100_000, 1.0, generator).double()
    features = random_fourier_features(x, frequencies)
    torch.testing.assert_close(features @ features.T, gaussian_kernel(x, 1.0), rtol=0, atol=0.02)


def test_the_symmetric_form_is_the_released_one_sided_form():
    x, y, m = samples(40, 20), classes(40), 40
    projection = torch.eye(m, dtype=torch.float64) - 1 / m
    parts = []
    for kernel in (gaussian_kernel(x), gaussian_kernel(y)):
        one_sided = kernel @ projection
        parts.append(one_sided @ torch.inverse(one_sided + 1e-5 * m * torch.eye(m, dtype=torch.float64)))
    released = (parts[0] * parts[1].T).sum()
    assert normalized_hsic(gaussian_kernel(x), gaussian_kernel(y)).item() == pytest.approx(released.item(), abs=1e-6)


def test_the_shared_target_gives_the_objective_and_its_gradient():
    x, z, y = (gaussian_kernel(part) for part in (samples(), samples(seed=1), classes()))
    z = z.requires_grad_()
    apart = normalized_hsic(z, x) - 100 * normalized_hsic(z, y)
    shared = whitened_trace(z, whitened(x) - 100 * whitened(y))
    torch.testing.assert_close(shared, apart)
    (expected,), (gradient,) = torch.autograd.grad(apart, z), torch.autograd.grad(shared, z)
    torch.testing.assert_close(gradient, (expected + expected.T) / 2, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("count", [32, 256])
def test_the_gradient_survives_single_precision(count: int):
    gradients = []
    for kind in (torch.float32, torch.float64):
        x, z = (torch.relu(samples(count, 16, seed=seed)).to(kind).requires_grad_() for seed in (0, 1))
        shared = whitened_trace(gaussian_kernel(z), whitened(gaussian_kernel(x.detach())))
        gradients.append(torch.autograd.grad(shared, z)[0].double())
    assert (gradients[0] - gradients[1]).norm() < 5e-3 * gradients[1].norm()


def test_normalised_hsic_counts_separable_classes_less_one():
    assert normalized_hsic(*[gaussian_kernel(classes(40, 4))] * 2, epsilon=1e-9).item() == pytest.approx(3, abs=1e-4)


def test_rotations_do_not_matter_but_the_pairing_of_samples_does():
    x, y = samples(40, 6), gaussian_kernel(classes(40))
    rotation = torch.linalg.qr(samples(6, 6, seed=3))[0]
    torch.testing.assert_close(
        normalized_hsic(gaussian_kernel(x @ rotation), y), normalized_hsic(gaussian_kernel(x), y)
    )
    told = x + 5 * classes(40).repeat(1, 2)
    shuffled = told[torch.randperm(40, generator=torch.Generator().manual_seed(0))]
    assert linear_hsic(told, classes(40)) > 4 * linear_hsic(shuffled, classes(40))


def test_single_precision_is_close_to_double():
    x, y = samples(128, 64), classes(120)
    x = x[:120]
    double = normalized_hsic(gaussian_kernel(x), gaussian_kernel(y))
    single = normalized_hsic(gaussian_kernel(x.float()), gaussian_kernel(y.float()))
    assert single.item() == pytest.approx(double.item(), rel=5e-3)


Y = classes(8)
FREQUENCIES = samples(4, 6, seed=5)
FUNCTIONS = {
    "hsic": lambda x: hsic(gaussian_kernel(x, 1.0), Y @ Y.T),
    "plausible": lambda x: plausible_hsic(cosine_kernel(x), Y @ Y.T),
    "normalized": lambda x: normalized_hsic(gaussian_kernel(x, (1.0, 2.0)), gaussian_kernel(Y), 1e-2),
    "whitened_trace": lambda x: whitened_trace(gaussian_kernel(x, 1.0), Y @ Y.T, 1e-2),
    "linear": lambda x: linear_hsic(x, Y),
    "cka": lambda x: linear_cka(x, Y),
    "random_fourier": lambda x: random_fourier_hsic(x, Y, FREQUENCIES, samples(3, 5, seed=6)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_are_those_of_finite_differences(name: str):
    assert gradcheck(FUNCTIONS[name], samples(8, 4).requires_grad_(), raise_exception=True)
