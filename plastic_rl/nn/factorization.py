"""Symmetric systems with a shift, solved by a Cholesky factorisation that holds where rounding is in the way."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.precision import check_magnitude

Matrix = Float[Tensor, "n n"]
Shift = float | Float[Tensor, ""]

GROWTHS = 7
"""The number of times that the shift grows tenfold: from rounding to a tenth of the matrix in single precision."""


def shifted_factor(matrix: Matrix, shift: Shift) -> tuple[Matrix, Shift]:
    """The Cholesky factor of A + c I, and the c that it is of.

    That is the given shift wherever single precision will do. Where it will not, the matrix is factorised in double
    precision; and where it is indefinite by more than the shift, because rounding has made it so, the shift grows from
    the rounding of its mean diagonal tenfold until the factorisation holds.

    Args:
        matrix: A, symmetric, and but for rounding not indefinite.
        shift: c, above 0.

    Returns:
        The factor, in single precision or in double, and c.

    Raises:
        ValueError: A is not finite, or indefinite by more than rounding explains.
    """
    factor = factor_of(matrix, shift)
    return (factor, shift) if factor is not None else _growing_factor(matrix, shift)


def factor_of(matrix: Matrix, shift: Shift) -> Matrix | None:
    """The Cholesky factor of A + c I; None if that is not positive definite."""
    system = matrix.clone()
    system.diagonal().add_(shift)
    factor, failed_at = torch.linalg.cholesky_ex(system)
    holds = (failed_at == 0) & factor[-1, -1].isfinite()
    return factor if bool(holds) else None


def _growing_factor(matrix: Matrix, shift: Shift) -> tuple[Matrix, Shift]:
    check_magnitude("entries of the matrix to be factorised", matrix)
    wide = matrix.double()
    rounding = torch.finfo(matrix.dtype).eps * float(wide.detach().diagonal().abs().mean())
    for growth in (0.0, *(rounding * 10**power for power in range(GROWTHS))):
        factor = factor_of(wide, shift + growth)
        if factor is not None:
            return factor, shift + growth
    raise ValueError(
        f"a matrix of {len(matrix)} rows is indefinite by more than rounding explains: a kernel or a covariance, "
        "symmetric and without negative eigenvalues, is expected"
    )


def shifted_inverse(matrix: Matrix, shift: Shift) -> tuple[Matrix, Shift]:
    """(A + c I)⁻¹ and c, by :func:`shifted_factor`."""
    factor, shift = shifted_factor(matrix, shift)
    return torch.cholesky_inverse(factor).to(matrix.dtype), shift


def shifted_solution(matrix: Matrix, right: Float[Tensor, "n k"], shift: Shift) -> Float[Tensor, "n k"]:
    """(A + c I)⁻¹ B, by :func:`shifted_factor`."""
    factor, _ = shifted_factor(matrix, shift)
    return torch.cholesky_solve(right.to(factor.dtype), factor).to(right.dtype)
