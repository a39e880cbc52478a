"""The order of many numbers is that of torch's stable sort, to the place."""

import pytest
import torch

from plastic_rl.optim.ranks import FEW, ascending

ODD = [0.0, -0.0, float("inf"), -float("inf"), 1e-40, -1e-40, 1.0, 1.0, -1.0, -1.0, 3e38, -3e38]


@pytest.mark.parametrize("count", [1, FEW - 1, FEW, 3 * FEW])
@pytest.mark.parametrize("steps", [3, 1 << 20])
def test_numbers_and_their_ties(count, steps):
    values = torch.randn(count).mul(steps).round().div(steps)  # few different ones, or many
    assert torch.equal(ascending(values), values.argsort(stable=True))


@pytest.mark.parametrize("odd", [[], [float("nan"), -float("nan")]])
def test_zeros_infinities_the_smallest_the_largest_and_what_is_no_number(odd):
    values = torch.tensor((ODD + odd) * FEW)[torch.randperm(len(ODD + odd) * FEW)]
    assert torch.equal(ascending(values), values.argsort(stable=True))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_numbers_of_other_kinds(dtype):
    values = torch.randn(2 * FEW, dtype=torch.float64).to(dtype)
    assert torch.equal(ascending(values), values.argsort(stable=True))


def test_the_numbers_themselves_stay():
    values = torch.randn(2 * FEW)
    before = values.clone()
    ascending(values)
    assert torch.equal(values, before)
