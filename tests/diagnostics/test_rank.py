"""Ranks, by numbers worked out by hand."""

import math

import pytest
import torch

from plastic_rl.diagnostics import effective_rank, numerical_rank, pca_rank, singular_values, srank, stable_rank

# σ = 6, 3, 1: Σσ = 10, Σσ² = 46.
VALUES = torch.tensor([6.0, 3.0, 1.0])


def test_effective_rank_is_the_exponential_of_the_entropy():
    by_hand = math.exp(-(0.6 * math.log(0.6) + 0.3 * math.log(0.3) + 0.1 * math.log(0.1)))
    assert effective_rank(VALUES).item() == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.parametrize(("share", "rank"), [(0.59, 1), (0.61, 2), (0.89, 2), (0.91, 3), (0.99, 3)])
def test_srank_counts_singular_values_and_not_their_squares(share: float, rank: int):
    assert srank(VALUES, share).item() == rank


@pytest.mark.parametrize(("share", "rank"), [(0.78, 1), (0.79, 2), (0.97, 2), (0.98, 3)])
def test_pca_rank_counts_squares(share: float, rank: int):
    # 36 / 46 = 0.783, 45 / 46 = 0.978
    assert pca_rank(VALUES, share).item() == rank


def test_stable_rank_is_frobenius_over_spectral_squared():
    assert stable_rank(VALUES).item() == pytest.approx(46 / 36)


def test_what_the_nature_paper_calls_stable_rank_is_not_stable_rank():
    assert srank(VALUES).item() == 3
    assert stable_rank(VALUES).item() < 1.3


@pytest.mark.parametrize("shape", [(50, 8), (8, 50)])
def test_singular_values_agree_with_the_decomposition(shape: tuple[int, int]):
    features = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(singular_values(features), torch.linalg.svdvals(features), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rank", [effective_rank, srank, pca_rank, stable_rank])
def test_one_direction_has_rank_one_and_identical_directions_count_fully(rank):
    one = torch.outer(torch.arange(1.0, 21.0), torch.arange(1.0, 5.0))
    assert rank(singular_values(one)).item() == pytest.approx(1, abs=2e-3)
    assert rank(torch.ones(5)).item() == pytest.approx(5, rel=1e-5)


@pytest.mark.parametrize(("rank", "nothing"), [(effective_rank, 1), (srank, 0), (pca_rank, 0), (stable_rank, 0)])
def test_silence_gives_a_number(rank, nothing: float):
    assert rank(torch.zeros(4)).item() == nothing


@pytest.mark.parametrize("scale", [2.0**90, 2.0**-90])
@pytest.mark.parametrize("rank", [effective_rank, srank, pca_rank, stable_rank])
def test_ranks_do_not_see_scale(rank, scale: float):
    """Squares overflow at the one scale, and vanish at the other."""
    features = torch.randn(50, 8, generator=torch.Generator().manual_seed(0))
    assert rank(singular_values(scale * features)) == rank(singular_values(features))


@pytest.mark.parametrize("odd", [math.nan, math.inf])
@pytest.mark.parametrize("rank", [effective_rank, srank, pca_rank, stable_rank])
def test_features_that_are_no_numbers_have_no_rank_and_stop_nobody(rank, odd: float):
    features = torch.ones(5, 3)
    features[0, 0] = odd
    assert singular_values(features).isnan().all()
    assert rank(singular_values(features)).isnan()


def test_features_in_half_precision_have_the_ranks_of_single():
    features = torch.randn(50, 8, generator=torch.Generator().manual_seed(0)).bfloat16()
    assert torch.equal(singular_values(features), singular_values(features.float()))


def test_the_numerical_rank_counts_what_is_more_than_rounding():
    matrix = torch.diag(torch.tensor([1.0, 1e-3, 1e-9, 0.0]))
    assert numerical_rank(matrix).item() == 2
    assert numerical_rank(matrix.T[:3]).item() == torch.linalg.matrix_rank(matrix[:3]).item() == 2
    assert numerical_rank(1e30 * matrix).item() == 2
    assert numerical_rank(torch.zeros(3, 2)).item() == 0
    assert numerical_rank(torch.tensor([[float("nan")]])).isnan()
