"""Groups of tasks: K-means, and where the members of a group agree."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plastic_rl.choices import Centre
from plastic_rl.nn.additive.clusters import agreement, group, nearest, starting_points

CORNERS = torch.tensor([[0.0, 0.0], [0.1, 0.0], [5.0, 5.0], [5.0, 5.1], [-5.0, 5.0]])


def partition(labels: torch.Tensor) -> list[set[int]]:
    return sorted(({int(i) for i in (labels == one).nonzero()} for one in labels.unique()), key=min)


def test_points_that_are_near_each_other_are_grouped():
    assert partition(group(CORNERS, [None] * 5, 3)) == [{0, 1}, {2, 3}, {4}]


def test_groups_start_from_the_previous_ones_and_then_from_the_farthest_point():
    start = starting_points(CORNERS, [7, 7, None, None, None], 3)
    assert start[0].tolist() == pytest.approx([0.05, 0.0])
    assert {tuple(one.tolist()) for one in start[1:]} <= {tuple(one.tolist()) for one in CORNERS[2:]}
    assert not torch.equal(start[1], start[2])


def test_a_group_that_nobody_is_nearest_to_gets_the_worst_fitting_point():
    centroids = torch.tensor([[0.0, 0.0], [100.0, 100.0]])
    assert nearest(torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]]), centroids).tolist() == [0, 0, 1]


@given(st.integers(1, 7), st.integers(1, 9), st.integers(0, 5), st.booleans())
@settings(max_examples=40, deadline=None, derandomize=True)
def test_no_group_is_empty_even_among_equal_points(count: int, wanted: int, seed: int, are_equal: bool):
    points = torch.randn(count, 3, generator=torch.Generator().manual_seed(seed))
    points = points[:1].expand(count, 3).clone() if are_equal else points
    labels = group(points, [None] * count, wanted)
    assert set(labels.tolist()) == set(range(min(count, wanted)))


def test_members_agree_where_they_lie_within_the_spread():
    members = torch.tensor([[0.0, 1.0, 2.0], [0.3, 1.0, 4.0], [0.6, 1.0, 2.0]])
    centre, agrees = agreement(members, 1.0, Centre.midrange)
    assert centre.tolist() == pytest.approx([0.3, 1.0, 3.0])
    assert agrees.tolist() == [True, True, False]
    centre, agrees = agreement(members[:2], 0.0, Centre.mean)
    assert centre.tolist() == pytest.approx([0.15, 1.0, 3.0])
    assert agrees.tolist() == [False, True, False]
