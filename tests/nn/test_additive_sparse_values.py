"""Sparse values come back bit for bit, and are as small as promised."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plastic_rl.nn.additive.sparse_values import SparseValues, gaps_between


@pytest.mark.parametrize(
    ("places", "gaps"),
    [
        ([], []),
        ([0], [0]),
        ([0, 1, 5], [0, 0, 3]),
        ([254], [254]),
        ([255], [255, 0]),
        ([256, 257], [255, 1, 0]),
        ([600], [255, 255, 90]),
    ],
)
def test_gaps_are_those_counted_by_hand(places, gaps):
    places = torch.tensor(places, dtype=torch.long)
    assert gaps_between(places).tolist() == gaps
    values = SparseValues(gaps_between(places), torch.ones(len(places)))
    assert torch.equal(values.places(), places)


@given(st.sets(st.integers(0, 1999)), st.integers(0, 9))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_values_come_back_bit_for_bit_on_any_support(support, seed):
    dense = torch.randn(40, 50, generator=torch.Generator().manual_seed(seed))
    where = torch.zeros(2000, dtype=torch.bool)
    where[list(support)] = True
    where = where.view(40, 50)
    values = SparseValues.of(dense, where)
    assert torch.equal(values.where(dense.shape), where)
    assert torch.equal(values.write_to(torch.zeros(40, 50)), dense * where)
    assert len(values) == len(support)


@pytest.mark.parametrize(("density", "share"), [(0.036, 0.046), (0.016, 0.021)])
def test_a_value_takes_about_five_bytes(density, share):
    source = torch.Generator().manual_seed(0)
    dense = torch.randn(500, 800, generator=source)
    values = SparseValues.of(dense, torch.rand(500, 800, generator=source) < density)
    assert values.nbytes / dense.nbytes < share


def test_what_is_kept_is_no_view_of_the_whole():
    dense = torch.randn(100, 100)
    values = SparseValues.of(dense, dense > 2)
    assert values.values.untyped_storage().nbytes() == values.values.nbytes
