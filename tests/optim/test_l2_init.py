"""L2 regularisation towards the initial weights, by hand."""

import pytest
import torch
from torch import nn

from plastic_rl.optim import L2Init


def test_a_weight_is_drawn_back_by_the_gradient_of_the_squared_distance():
    weight = nn.Parameter(torch.tensor([1.0, -2.0]))
    optimizer = L2Init(torch.optim.SGD([weight], lr=0.5), strength=0.25)
    with torch.no_grad():
        weight.copy_(torch.tensor([3.0, -2.0]))
    optimizer.zero_grad()
    assert weight.grad is not None
    assert weight.grad.tolist() == [2 * 0.25 * 2, 0.0]
    optimizer.step()
    assert weight.tolist() == [2.5, -2.0]


def test_what_was_frozen_since_is_left_alone():
    weight = nn.Parameter(torch.tensor([1.0]))
    optimizer = L2Init(torch.optim.SGD([weight], lr=0.5), strength=0.25)
    with torch.no_grad():
        weight.fill_(3.0)
    weight.requires_grad_(False)
    optimizer.zero_grad()
    optimizer.step()
    assert weight.item() == 3.0


def test_a_negative_strength_is_refused():
    with pytest.raises(ValueError, match="strength"):
        L2Init(torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1), strength=-1.0)
