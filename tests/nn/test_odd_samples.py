"""Kernels and criteria of samples that are huge, tiny, half precise, single, whole numbers or no numbers at all."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from plastic_rl.nn import kernels
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
    cosine_kernel,
    draw_frequencies,
    gaussian_kernel,
    random_fourier_features,
    squared_distances,
)
from plastic_rl.nn.local.predictors import similarity_matrix
from plastic_rl.nn.ridge import ridge_score, ridge_weights

LABELS = torch.nn.functional.one_hot(torch.arange(32) % 4).float()
SHARED = whitened(gaussian_kernel(LABELS))
FREQUENCIES = draw_frequencies(20, 64, generator=torch.Generator().manual_seed(1))
Criterion = Callable[[Tensor], Tensor]
KERNELS: dict[str, Criterion] = {
    "gaussian": gaussian_kernel,
    "narrow gaussian": lambda x: gaussian_kernel(x, 0.5),
    "several gaussians": lambda x: gaussian_kernel(x, (0.5, 5.0)),
    "cosine": cosine_kernel,
    "similarity": similarity_matrix,
}
# What takes any finite sample.
CRITERIA: dict[str, Criterion] = {
    "hsic": lambda x: hsic(gaussian_kernel(x), gaussian_kernel(LABELS[: len(x)].to(x))),
    "nHSIC": lambda x: normalized_hsic(gaussian_kernel(x), gaussian_kernel(LABELS.to(x))),
    "whitened trace": lambda x: whitened_trace(
        gaussian_kernel(x), SHARED.to(torch.promote_types(x.dtype, torch.float32))
    ),
    "pHSIC": lambda x: plausible_hsic(cosine_kernel(x), cosine_kernel(LABELS.to(x))),
    "CKA": lambda x: linear_cka(x, LABELS.to(x)),
    "ridge": lambda x: ridge_score(x, LABELS.to(x)),
}
ALL: dict[str, Criterion] = {
    **KERNELS,
    **CRITERIA,
    "random Fourier features": lambda x: random_fourier_features(x, FREQUENCIES),
    "random Fourier HSIC": lambda x: random_fourier_hsic(x, LABELS.to(x), FREQUENCIES, FREQUENCIES[:4]),
    "linear HSIC": lambda x: linear_hsic(x, LABELS.to(x)),
}


def samples(count: int = 32, width: int = 20) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(0))


def with_odd_one(magnitude: float) -> Tensor:
    x = samples()
    x[0] *= magnitude
    return x


def value_and_gradient(function: Criterion, x: Tensor) -> tuple[Tensor, Tensor]:
    x = x.clone().requires_grad_()
    value = function(x)
    (gradient,) = torch.autograd.grad((value * torch.arange(value.numel()).view(value.shape).cos()).sum(), x)
    return value.detach(), gradient


def exact(x: Tensor, sigma: float = 5.0) -> Tensor:
    """The Gaussian kernel by differences in double precision."""
    differences = x.double()[:, None] - x.double()
    return (-differences.square().sum(2) / (2 * sigma**2 * x.shape[1])).exp()


@pytest.mark.parametrize("magnitude", [1e4, 1e5, 1e7, 1e10, 1e20, 1e38])
@pytest.mark.parametrize("sigma", [0.5, 5.0])
def test_an_odd_sample_leaves_the_gaussian_kernel_right(magnitude: float, sigma: float):
    x = with_odd_one(magnitude)
    kernel = gaussian_kernel(x, sigma)
    assert kernel.min() >= 0
    assert kernel.max() <= 1
    torch.testing.assert_close(kernel.double(), exact(x, sigma), rtol=0, atol=2e-4)
    single = value_and_gradient(lambda x: gaussian_kernel(x, sigma), x)[1].double()
    double = value_and_gradient(lambda x: exact(x, sigma), x.double())[1]
    assert (single - double).norm() < 1e-3 * double.norm()


@pytest.mark.parametrize("magnitude", [1e4, 1e5, 1e8])
@pytest.mark.parametrize("name", ["hsic", "nHSIC", "whitened trace"])
def test_criteria_of_an_odd_sample_are_those_of_double_precision(name: str, magnitude: float):
    single, gradient = value_and_gradient(CRITERIA[name], with_odd_one(magnitude))
    double, reference = value_and_gradient(CRITERIA[name], with_odd_one(magnitude).double())
    torch.testing.assert_close(single.double(), double, rtol=2e-3, atol=1e-8)
    assert (gradient.double() - reference).norm() < 0.02 * reference.norm()


@pytest.mark.parametrize("magnitude", [1e4, 1e8, 1e20, 1e38])
@pytest.mark.parametrize("name", [*KERNELS, *CRITERIA])
def test_nothing_that_is_finite_overflows(name: str, magnitude: float):
    value, gradient = value_and_gradient({**KERNELS, **CRITERIA}[name], with_odd_one(magnitude))
    assert value.isfinite().all()
    assert gradient.isfinite().all()
    if name in KERNELS:
        assert value.abs().max() <= 1


def test_two_odd_samples_that_are_close_to_each_other_stay_close():
    x = samples()
    x[:2] += 1e5
    torch.testing.assert_close(gaussian_kernel(x).double(), exact(x), rtol=0, atol=2e-4)


def test_ordinary_samples_take_the_fast_form_and_lose_nothing(monkeypatch: pytest.MonkeyPatch):
    x = samples(64, 30)
    differences = (x.double()[:, None] - x.double()).square().sum(2)
    torch.testing.assert_close(squared_distances(x).double(), differences)
    monkeypatch.setattr(torch, "cdist", None)
    tolerance = 1e-3
    assert (squared_distances(x, tolerance) - differences).abs().max() < tolerance
    assert squared_distances(x, tolerance).min() >= 0
    assert gaussian_kernel(x, 1.0).max() <= 1
    # A thousand times as far is still right in double precision, and as far as single precision can write it down.
    torch.testing.assert_close(squared_distances(1e3 * x, tolerance).double(), 1e6 * differences, rtol=1e-5, atol=1e-3)


def test_what_is_blind_to_scale_is_so_at_any_scale():
    x, y = samples(), LABELS
    for scale in (2.0**60, 2.0**-60):  # squares overflow, and vanish
        assert torch.equal(linear_cka(scale * x, y), linear_cka(x, y))
        assert torch.equal(cosine_kernel(scale * x), cosine_kernel(x))
        assert torch.equal(similarity_matrix(scale * x), similarity_matrix(x))


def test_an_odd_sample_is_a_row_of_zeros_to_the_others_and_one_to_itself():
    kernel = gaussian_kernel(with_odd_one(1e20))
    assert kernel[0].tolist() == [1.0] + [0.0] * 31
    # nHSIC then counts what it counts of the others.
    odd, ordinary = (
        normalized_hsic(gaussian_kernel(x), gaussian_kernel(LABELS)) for x in (with_odd_one(1e20), samples())
    )
    assert odd.item() == pytest.approx(ordinary.item(), rel=0.1)


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ALL)
def test_half_precision_is_only_that_of_the_samples(name: str, half: torch.dtype):
    rounded = samples().to(half)
    value, gradient = value_and_gradient(ALL[name], rounded)
    expected, reference = value_and_gradient(ALL[name], rounded.float())
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(gradient, reference.to(half))


@pytest.mark.parametrize("name", ALL)
def test_autocast_changes_nothing(name: str):
    expected = ALL[name](samples())
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(ALL[name](samples()), expected)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(("odd", "written"), [(math.nan, "nan"), (math.inf, "inf")])
def test_what_is_no_number_is_refused_with_its_magnitude(name: str, odd: float, written: str):
    x = samples()
    x[3, 4] = odd
    with pytest.raises(ValueError, match=rf"(a magnitude of|samples up to) {written}"):
        ALL[name](x)


def test_what_is_too_large_for_a_linear_kernel_is_refused_with_its_magnitude():
    with pytest.raises(ValueError, match=r"linear HSIC of samples up to 2\.\d+e\+20 and 1 is no finite number"):
        linear_hsic(with_odd_one(1e20), LABELS)


@pytest.mark.parametrize("name", ALL)
def test_whole_numbers_are_refused_by_name(name: str):
    with pytest.raises(TypeError, match=r"real numbers, got torch\.int64: one-hot class labels"):
        ALL[name](torch.arange(640).view(32, 20))


def test_one_sample_depends_on_nothing():
    one, label = samples(1), LABELS[:1]
    kernel = gaussian_kernel(one)
    assert kernel.tolist() == [[1.0]]
    values = [
        normalized_hsic(kernel, gaussian_kernel(label)),
        whitened_trace(kernel, gaussian_kernel(label)),
        plausible_hsic(kernel, gaussian_kernel(label)),
        linear_cka(one, label),
        ridge_score(one, label),
    ]
    assert [value.item() for value in values] == [0.0] * 5


@pytest.mark.parametrize("criterion", [hsic, linear_hsic])
def test_one_sample_is_refused_where_a_criterion_is_not_defined(criterion: Callable[[Tensor, Tensor], Tensor]):
    one = torch.ones(1, 1)
    with pytest.raises(ValueError, match=r"HSIC compares samples with each other: .* two or more is expected, got 1"):
        criterion(one, one)


def test_a_ridge_below_rounding_still_has_weights():
    z = samples()[:, :4]
    z = torch.cat([z, 1e5 * z, z + 1e-7], 1)
    assert ridge_weights(z.T @ z, z.T @ LABELS, 1e-6).isfinite().all()
    single, double = ridge_score(z, LABELS, ridge=1e-6), ridge_score(z.double(), LABELS.double(), ridge=1e-6)
    assert single.item() == pytest.approx(double.item(), abs=1e-4)


def test_the_resolution_is_what_it_is_said_to_be():
    """Samples as large as the product form still takes them in single precision."""
    x = samples(64, 100)
    x *= math.sqrt(2 * kernels.RESOLUTION * 100 / (8 * torch.finfo(torch.float32).eps)) / x.norm(dim=1).max()
    x[1] = x[0]
    assert (gaussian_kernel(x, 1.0).double() - exact(x, 1.0)).abs().max() < kernels.RESOLUTION
