"""The tangent kernel and the Hessian, where both are known."""

import pytest
import torch
from torch import nn

from plastic_rl.diagnostics import kernel_ranks, largest_eigenvalue, tangent_kernel


def test_the_tangent_kernel_of_a_linear_layer_is_the_product_of_its_inputs_and_one():
    x = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 0.0]])
    kernel = tangent_kernel(nn.Linear(2, 1), x)  # ∇f = (x, 1)
    torch.testing.assert_close(kernel, x @ x.T + 1)


def test_ranks_of_a_kernel_are_shares_of_its_samples():
    ranks = kernel_ranks(torch.diag(torch.tensor([1.0, 1.0, 0.0, 0.0])))
    assert ranks == {"ntk/rank_effective": pytest.approx(0.5), "ntk/rank_srank99": pytest.approx(0.5)}


def test_an_output_may_be_picked():
    network = nn.Linear(1, 2)
    kernel = tangent_kernel(network, torch.tensor([[3.0]]), lambda said: said[0, 0])
    assert kernel.item() == pytest.approx(10)  # 3² of the weight, 1 of the bias


def test_the_largest_eigenvalue_of_a_quadratic_is_found_without_its_matrix():
    hessian = torch.tensor([[2.0, 1.0], [1.0, 2.0]])  # eigenvalues 1 and 3
    weights = nn.Parameter(torch.tensor([0.3, -0.2]))
    found = largest_eigenvalue(lambda: 0.5 * weights @ hessian @ weights, [weights])
    assert found == pytest.approx(3, rel=1e-3)
    assert weights.grad is None


def test_the_largest_in_magnitude_may_be_negative_and_a_line_has_none():
    weights = nn.Parameter(torch.ones(2))
    assert largest_eigenvalue(lambda: weights[0] ** 2 - 4 * weights[1] ** 2, [weights]) == pytest.approx(-8, rel=1e-3)
    assert largest_eigenvalue(weights.sum, [weights]) == 0
