"""The algebra of additive decomposition: numbers worked out by hand, autograd, and brute force."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plastic_rl.nn.additive.algebra import (
    compose,
    followed,
    prices,
    route,
    shrink_,
    shrink_by_price_,
    shrink_quadratic_,
    stepped_mask,
)
from plastic_rl.nn.additive.learning import total_load
from plastic_rl.nn.additive.sparse_values import SparseValues

few = settings(max_examples=25, deadline=None, derandomize=True)
numbers = st.floats(-2, 2, allow_subnormal=False)
positive = st.floats(0.01, 2)


def doubles(*rows: list[float]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def test_gradients_are_routed_as_worked_out_by_hand():
    gradient, shared, mask = torch.tensor([[3.0, 4.0]]), torch.tensor([[2.0, -1.0]]), torch.tensor([0.5])
    of_shared, of_own, of_logit = route(gradient, shared, mask)
    assert of_shared.tolist() == [[1.5, 2.0]]
    assert of_own.tolist() == [[3.0, 4.0]]
    assert of_logit.tolist() == [0.5]  # 0.5 · 0.5 · (3 · 2 - 4 · 1)


@pytest.mark.parametrize("shape", [(5, 3), (4, 2, 3, 3), (3, 2, 4)])
def test_routed_gradients_are_those_of_autograd(shape):
    torch.manual_seed(0)
    shared, own = (torch.randn(shape, dtype=torch.float64, requires_grad=True) for _ in range(2))
    logit = torch.randn(shape[0], dtype=torch.float64, requires_grad=True)
    theta = compose(shared, logit.sigmoid()) + own
    theta.retain_grad()
    (theta.sin() * torch.arange(theta.numel()).view(shape)).sum().backward()
    routed = route(theta.grad, shared.detach(), logit.detach().sigmoid())
    for mine, leaf in zip(routed, (shared, own, logit), strict=True):
        torch.testing.assert_close(mine, leaf.grad, rtol=1e-12, atol=1e-12)


def test_the_mask_takes_the_step_that_sgd_takes():
    torch.manual_seed(0)
    shared, logit = torch.randn(4, 3, dtype=torch.float64), torch.randn(4, dtype=torch.float64)
    gradient, rate = torch.randn(4, 3, dtype=torch.float64), 0.1
    parameter = logit.clone().requires_grad_()
    (compose(shared, parameter.sigmoid()) * gradient).sum().backward()
    expected = (logit - rate * parameter.grad).sigmoid()
    torch.testing.assert_close(stepped_mask(logit.sigmoid(), shared, -rate * gradient), expected)


def test_a_mask_of_one_stays_one():
    assert stepped_mask(torch.ones(2), torch.ones(2, 3), torch.ones(2, 3)).tolist() == [1, 1]


def test_a_weight_that_is_not_worth_its_price_is_shared_to_the_bit():
    anchor = torch.tensor([[0.1, 1e-9, -3.0, 0.0]])
    weight = torch.tensor([[0.15, 0.02, -3.5, -1.0]])
    shrink_(weight, anchor, 0.1, torch.empty_like(weight))
    assert torch.equal(weight[0, :2], anchor[0, :2])
    torch.testing.assert_close(weight[0, 2:], torch.tensor([-3.4, -0.9]))


@given(numbers, numbers, positive)
@few
def test_shrinking_finds_the_minimum_that_brute_force_finds(proposal: float, anchor: float, threshold: float):
    grid = torch.linspace(-4, 4, 80_001, dtype=torch.float64)
    best = grid[(0.5 * (grid - proposal) ** 2 + threshold * (grid - anchor).abs()).argmin()]
    one, many = doubles([proposal]), doubles([proposal])
    shrink_(one, doubles([anchor]), threshold, torch.empty_like(one))
    shrink_by_price_(many, doubles([anchor]), doubles([threshold / 0.1]), 0.1, one.new_empty(2, 1, 1))
    assert one.item() == pytest.approx(best.item(), abs=1e-4)
    assert many.item() == pytest.approx(best.item(), abs=1e-4)


def test_a_price_of_zero_moves_nothing():
    weight = torch.randn(3, 5)
    before = weight.clone()
    shrink_by_price_(weight, torch.randn(3, 5), torch.zeros(3, 5), 0.1, torch.empty(2, 3, 5))
    assert torch.equal(weight, before)


def test_prices_are_the_lower_of_what_own_and_shared_cost():
    load, mask = torch.tensor([[0.0, 0.5, 1.5], [0.1, 0.0, 2.0]]), torch.tensor([0.5, 1.0])
    price, is_free = prices(load, mask, 0.2, 0.15)
    # Asked: drift · w / M = 0, 0.15, 0.45 in the first row and 0.015, 0, 0.3 in the second; own costs 0.2.
    torch.testing.assert_close(price, torch.tensor([[0.0, 0.15, 0.2], [0.015, 0.0, 0.2]]))
    assert is_free.tolist() == [[True, True, False], [True, True, False]]


def test_an_infinite_drift_frees_nothing_that_somebody_reads():
    price, is_free = prices(torch.tensor([[0.0, 0.5]]), torch.tensor([0.5]), 0.2, math.inf)
    assert price[0].tolist() == pytest.approx([0.0, 0.2])
    assert is_free.tolist() == [[True, False]]


@given(numbers, st.floats(0.1, 1), positive, positive)
@few
def test_one_price_for_all_old_tasks_is_the_joint_minimum_over_shared_and_own(r, mask, sparsity, asked):
    """min over s and τ of ½ (M s + τ - r)² + λ' |τ| + asked · |s| lets the cheaper one go the whole way."""
    price, _ = prices(doubles([asked]), doubles([mask]).flatten(), sparsity, 1.0)
    theta = doubles([r])
    shrink_by_price_(theta, doubles([0.0]), price, 1.0, theta.new_empty(2, 1, 1))
    s, own = torch.meshgrid(*[torch.linspace(-4, 4, 801, dtype=torch.float64) for _ in range(2)], indexing="ij")
    loss = 0.5 * (mask * s + own - r) ** 2 + sparsity * own.abs() + asked * s.abs()
    mine = 0.5 * (theta.item() - r) ** 2 + price.item() * abs(theta.item())
    assert mine <= loss.min().item() + 1e-9
    if abs(r) < 4 * mask:  # inside the grid of s
        assert mine == pytest.approx(loss.min().item(), abs=1e-3)


@given(numbers, st.floats(0.1, 1), st.floats(0.01, 1), st.floats(0.01, 3))
@few
def test_in_the_fixed_form_shared_and_own_divide_a_step_as_brute_force_does(r, mask, sparsity, drift):
    theta, masks, rate = doubles([r]), torch.tensor([mask], dtype=torch.float64), 0.3
    shrink_quadratic_(theta, doubles([0.0]), masks, sparsity=sparsity, drift=drift, rate=rate)
    s = torch.linspace(-30, 30, 300_001, dtype=torch.float64)
    rest = r - mask * s
    own = rest.sign() * (rest.abs() - rate * sparsity).clamp(min=0)  # the best τ for each s
    loss = 0.5 * (mask * s + own - r) ** 2 + rate * (sparsity * own.abs() + drift * s**2)
    best = loss.argmin()
    assert theta.item() == pytest.approx((mask * s + own)[best].item(), abs=2e-4)
    step, _ = followed(theta, doubles([0.0]), masks, sparsity, drift)
    assert step.item() == pytest.approx(s[best].item(), abs=2e-4)


def test_where_shared_weights_stop_following_own_ones_take_over():
    weight, anchor = torch.tensor([[0.3, 0.05]]), torch.zeros(1, 2)
    step, is_own = followed(weight, anchor, torch.tensor([0.5]), 0.2, 0.5)  # reach: 0.5 · 0.2 / 1
    torch.testing.assert_close(step, torch.tensor([[0.1, 0.1]]))
    assert is_own.tolist() == [[True, True]]
    step, is_own = followed(weight / 10, anchor, torch.tensor([0.5]), 0.2, 0.5)
    torch.testing.assert_close(step, torch.tensor([[0.06, 0.01]]))
    assert is_own.tolist() == [[False, False]]


def test_only_tasks_that_read_a_shared_weight_ask_a_price_for_it():
    dense = torch.tensor([[7.0, 0.0], [0.0, 8.0]])
    tasks = [
        (torch.tensor([0.5, 0.25]), SparseValues.of(dense, dense != 0)),
        (torch.tensor([0.5, 1.0]), SparseValues.none(dense)),
    ]
    assert total_load(torch.ones(2, 2), tasks).tolist() == [[0.5, 1.0], [1.25, 1.0]]
