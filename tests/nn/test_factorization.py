"""A Cholesky factorisation that holds where rounding is in the way, and is torch's own where it is not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from plastic_rl.nn.factorization import shifted_factor, shifted_inverse, shifted_solution


def gram(rows: int, rank: int, scale: float = 1.0) -> Tensor:
    x = torch.randn(rows, rank, generator=torch.Generator().manual_seed(0))
    return scale * x @ x.T


def test_an_ordinary_matrix_has_torchs_own_factor():
    matrix = gram(30, 40)
    factor, shift = shifted_factor(matrix, 0.5)
    assert shift == 0.5
    assert torch.equal(factor, torch.linalg.cholesky(matrix + 0.5 * torch.eye(30)))
    assert torch.equal(shifted_inverse(matrix, 0.5)[0], torch.cholesky_inverse(factor))
    right = torch.ones(30, 2)
    assert torch.equal(shifted_solution(matrix, right, 0.5), torch.cholesky_solve(right, factor))


@pytest.mark.parametrize("scale", [1.0, 1e-8, 1e12])
def test_the_shift_grows_by_no_more_than_rounding_asks_for(scale: float):
    matrix = gram(40, 3, scale)
    inverse, shift = shifted_inverse(matrix, 1e-12 * scale)
    assert inverse.dtype == torch.float32
    assert 0 < shift < 1e-4 * float(matrix.diagonal().mean())
    system = matrix.double() + shift * torch.eye(40).double()
    residual = inverse.double() @ system - torch.eye(40).double()
    assert residual.norm() < 0.05 * 40


def test_the_solution_is_the_one_of_least_error_where_there_are_many():
    matrix = gram(40, 3)
    right = matrix @ torch.ones(40, 1)
    torch.testing.assert_close(matrix @ shifted_solution(matrix, right, 1e-12), right, rtol=1e-3, atol=1e-3)


def test_gradients_pass_through_the_growing_shift():
    matrix = gram(20, 3).requires_grad_()
    shifted_inverse(matrix, 1e-9)[0].sum().backward()
    assert matrix.grad is not None
    assert matrix.grad.isfinite().all()


def test_what_no_rounding_explains_is_refused():
    with pytest.raises(ValueError, match="a matrix of 3 rows is indefinite by more than rounding explains"):
        shifted_factor(-torch.eye(3), 1e-3)
    with pytest.raises(ValueError, match="entries of the matrix to be factorised reach a magnitude of nan"):
        shifted_factor(torch.full((3, 3), torch.nan), 1e-3)
