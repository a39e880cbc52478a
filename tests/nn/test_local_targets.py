"""Targets as columns of numbers, and back."""

from __future__ import annotations

import math

import pytest
import torch

from plastic_rl.nn import Joint, OneHot, Standardized


def test_classes():
    encoder = OneHot(3)
    assert encoder(torch.tensor([2, 0])).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert encoder.decode(torch.tensor([[0.1, 0.7, 0.2], [3.0, -1.0, 0.0]])).tolist() == [1, 0]
    assert encoder.has_classes


def test_numbers_are_standardised_by_what_was_seen_so_far():
    encoder = Standardized(horizon=math.inf)
    # 1 and 3: mean 2, deviation 1; then 5 and 7: mean 4, deviation √5.
    assert encoder(torch.tensor([1.0, 3.0])).tolist() == [[-1.0], [1.0]]
    torch.testing.assert_close(encoder(torch.tensor([5.0, 7.0])), torch.tensor([[1.0], [3.0]]) / math.sqrt(5))
    assert not encoder.has_classes


def test_evaluation_takes_nothing_in():
    encoder = Standardized()
    encoder(torch.tensor([1.0, 3.0]))
    encoder.eval()
    assert encoder(torch.tensor([100.0])).tolist() == [[98.0]]
    assert encoder(torch.tensor([2.0])).tolist() == [[0.0]]


def test_decoding_undoes_encoding():
    encoder, targets = Standardized(3), torch.randn(50, 3, generator=torch.Generator().manual_seed(0)) * 7 + 4
    torch.testing.assert_close(encoder.decode(encoder(targets)), targets)


def test_constant_targets_are_zero_and_not_infinite():
    encoder = Standardized(2)
    assert encoder(torch.tensor([[5.0, 0.0], [5.0, 0.0]])).abs().max() == 0
    assert encoder.decode(torch.zeros(1, 2)).tolist() == [[5.0, 0.0]]


def test_several_targets_side_by_side():
    encoder = Joint(returns=Standardized(), action=OneHot(3))
    columns = encoder({"action": torch.tensor([0, 2]), "returns": torch.tensor([1.0, 3.0])})
    assert columns.tolist() == [[-1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 1.0]]
    decoded = encoder.decode(columns)
    assert decoded["returns"].tolist() == [[1.0], [3.0]]
    assert decoded["action"].tolist() == [0, 2]
    with pytest.raises(ValueError, match=r"targets for \['action', 'returns'\] are expected, got \['action'\]"):
        encoder({"action": torch.tensor([0])})


def test_targets_need_a_column():
    with pytest.raises(ValueError, match="targets need one column or more, got 0"):
        OneHot(0)
