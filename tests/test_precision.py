"""Room for numbers: exact scales, full precision, and messages that say how large what was given is."""

from __future__ import annotations

import math

import pytest
import torch

from plastic_rl.precision import check_magnitude, downscaled, in_full_precision, power_of_two


def test_powers_of_two_by_hand():
    magnitudes = torch.tensor([0.0, 1.0, 1.5, 2.0, 1000.0, 0.3, 3e38, 1e-40])
    expected = [1.0, 1.0, 1.0, 2.0, 512.0, 0.25, 2.0**127, 2.0**-133]
    assert power_of_two(magnitudes).tolist() == expected


def test_a_scaled_tensor_is_the_same_but_for_the_exponent():
    drawn = torch.randn(50, 7, generator=torch.Generator().manual_seed(0))
    assert torch.equal(downscaled("numbers", drawn * 2.0**100), downscaled("numbers", drawn))
    by_row = downscaled("numbers", drawn, 1)
    assert torch.equal(torch.frexp(by_row).mantissa, torch.frexp(drawn).mantissa)
    largest = by_row.abs().amax(1)
    assert largest.min() >= 1
    assert largest.max() < 2


@pytest.mark.parametrize(("value", "written"), [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "inf")])
def test_what_is_not_finite_is_refused_with_its_magnitude(value: float, written: str):
    with pytest.raises(ValueError, match=f"samples reach a magnitude of {written}; finite numbers are expected"):
        check_magnitude("samples", torch.tensor([1.0, value]))
    check_magnitude("samples", torch.tensor([1.0, -2.0]))
    check_magnitude("no samples", torch.zeros(0))
    with pytest.raises(ValueError, match=r"samples reach a magnitude of 2; magnitudes below 1\.5 are expected"):
        check_magnitude("samples", torch.tensor([1.0, -2.0]), below=1.5)


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened_and_autocast_is_off(half: torch.dtype):
    square = in_full_precision(lambda x: x @ x.T)
    x = torch.tensor([[1.0, 0.001]]).to(half).requires_grad_()
    with torch.autocast("cpu", half):
        product = square(x)
        assert (x.float() @ x.float().T).dtype == half
    assert product.dtype == torch.float32
    assert product.item() == pytest.approx(1.000001, abs=1e-7)
    product.backward()
    assert x.grad is not None
    assert x.grad.dtype == half


def test_whole_numbers_are_refused_by_name():
    with pytest.raises(TypeError, match=r"real numbers, got torch\.int64: one-hot class labels; embed tokens"):
        in_full_precision(lambda x: x)(torch.arange(3))
