"""Regularisation towards the initial distribution, by hand and beside automatic differentiation."""

import pytest
import torch
from torch import nn

from plastic_rl.optim import WassersteinInit
from plastic_rl.optim.wasserstein_init import distance, pull


def put(parameter, values):
    with torch.no_grad():
        parameter.copy_(torch.tensor(values))


def test_each_entry_is_drawn_to_the_initial_one_of_its_rank():
    weight = nn.Parameter(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    optimizer = WassersteinInit(torch.optim.SGD([weight], lr=0.5), strength=0.25)
    put(weight, [[5.0, 1.0], [3.5, 0.0]])  # sorted 0, 1, 3.5, 5 beside 1, 2, 3, 4
    optimizer.zero_grad()
    assert weight.grad is not None
    assert weight.grad.tolist() == [[0.5, -0.5], [0.25, -0.5]]
    optimizer.step()
    assert weight.tolist() == [[4.75, 1.25], [3.375, 0.25]]


def test_weights_that_change_places_are_not_drawn_back():
    weight = nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))
    optimizer = WassersteinInit(torch.optim.SGD([weight], lr=0.5), strength=1.0)
    put(weight, [3.0, 1.0, -2.0])
    optimizer.zero_grad()
    optimizer.step()
    assert weight.tolist() == [3.0, 1.0, -2.0]


def test_places_are_changed_within_a_parameter_alone():
    one, other = nn.Parameter(torch.tensor([1.0, 2.0])), nn.Parameter(torch.tensor([3.0, 4.0]))
    optimizer = WassersteinInit(torch.optim.SGD([one, other], lr=0.5), strength=1.0)
    put(one, [3.0, 4.0])
    put(other, [1.0, 2.0])
    optimizer.zero_grad()
    assert one.grad is not None
    assert other.grad is not None
    assert (one.grad.tolist(), other.grad.tolist()) == ([4.0, 4.0], [-4.0, -4.0])


def test_the_pull_is_the_gradient_of_the_squared_distance():
    drawn = torch.Generator().manual_seed(0)
    weight = torch.randn(4, 3, 2, generator=drawn, requires_grad=True)
    start = torch.randn(24, generator=drawn).sort().values
    (slope,) = torch.autograd.grad(0.3 * distance(weight, start), weight)
    torch.testing.assert_close(pull(weight.detach(), start, 0.3), slope)


def test_what_was_frozen_since_is_left_alone():
    weight = nn.Parameter(torch.tensor([1.0]))
    optimizer = WassersteinInit(torch.optim.SGD([weight], lr=0.5), strength=0.25)
    put(weight, [3.0])
    weight.requires_grad_(False)
    optimizer.zero_grad()
    optimizer.step()
    assert weight.item() == 3.0


def test_a_negative_strength_is_refused():
    with pytest.raises(ValueError, match="strength"):
        WassersteinInit(torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1), strength=-1.0)
