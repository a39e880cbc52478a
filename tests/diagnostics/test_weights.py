"""Sizes and movements of weights, by numbers worked out by hand."""

import pytest
import torch

from plastic_rl.diagnostics import distance, effective_learning_rate, mean_magnitude, norm

BEFORE = [torch.tensor([[3.0, 0.0]]), torch.tensor([4.0])]  # of norm 5
AFTER = [torch.tensor([[3.0, 0.3]]), torch.tensor([4.4])]


def test_the_norm_is_over_all_tensors_together():
    assert norm(BEFORE).item() == 5
    assert mean_magnitude(BEFORE).item() == pytest.approx(7 / 3)


def test_an_update_has_a_size_and_one_beside_the_weights():
    assert distance(AFTER, BEFORE).item() == pytest.approx(0.5)
    assert effective_learning_rate(AFTER, BEFORE).item() == pytest.approx(0.1)
