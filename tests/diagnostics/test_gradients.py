"""Gradients as numbers, worked out by hand."""

import pytest
import torch

from plastic_rl.diagnostics import cosine, gradient_norm, zero_share

GRADIENTS = [torch.tensor([[3.0, 0.0], [0.0, 0.0]]), torch.tensor([4.0, 0.0])]


def test_size_and_share_of_zeros_are_over_all_entries():
    assert gradient_norm(GRADIENTS).item() == 5
    assert zero_share(GRADIENTS) == pytest.approx(4 / 6)


def test_the_cosine_is_that_of_all_entries_together():
    turned = [torch.tensor([[0.0, 3.0], [0.0, 0.0]]), torch.tensor([4.0, 0.0])]
    assert cosine(GRADIENTS, turned).item() == pytest.approx(16 / 25)
    assert cosine(GRADIENTS, [-each for each in GRADIENTS]).item() == pytest.approx(-1)
    assert cosine(GRADIENTS, [0 * each for each in GRADIENTS]).item() == 0
