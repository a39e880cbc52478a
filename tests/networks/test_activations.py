"""Non-linearities, by hand."""

import pytest
import torch
from torch import nn

from plastic_rl.diagnostics import flatness
from plastic_rl.layers import hidden_layers
from plastic_rl.networks import nonlinearity


def of(inputs, **settings):
    (module,) = nonlinearity(**settings)
    return module(torch.tensor(inputs))


def test_a_leaky_relu_has_a_slope_below_zero():
    assert of([-2.0, 0.0, 3.0], activation="leaky_relu", slope=0.1).tolist() == pytest.approx([-0.2, 0, 3])


def test_a_prelu_learns_one_slope_for_the_layer():
    """dh/da is the input where it is below zero: of -2, 1 and -3 the sum is -5."""
    (module,) = nonlinearity(activation="prelu")
    outputs = module(torch.tensor([[-2.0, 1.0, -3.0]]))
    assert outputs.tolist() == [[-0.5, 1.0, -0.75]]
    outputs.sum().backward()
    assert [(each.shape, each.grad.item()) for each in module.parameters()] == [((1,), -5.0)]


def test_smooth_leaky_is_equation_1_of_its_paper():
    """a = 0.1, s = 1: 0.2 + 0.9 · 2 · σ(2), and σ(2) = 0.8807971."""
    values = of([-2.0, 0.0, 2.0], activation="smooth_leaky_relu", slope=0.1, sharpness=1.0)
    assert values.tolist() == pytest.approx([-0.2 - 1.8 * 0.1192029, 0.0, 0.2 + 1.8 * 0.8807971])
    far = of([-60.0, 60.0], activation="smooth_leaky_relu").tolist()
    assert far == pytest.approx([-6.0, 60.0])


@pytest.mark.parametrize("activation", ["leaky_relu", "smooth_leaky_relu", "prelu"])
def test_a_slope_below_zero_leaves_no_unit_stuck(activation):
    network = nn.Sequential(nn.Linear(3, 4), *nonlinearity(activation=activation), nn.Linear(4, 1))
    network[0].bias.data.fill_(-100.0)  # all below zero, on every sample
    inputs = torch.randn(20, 3)
    (found,) = flatness(hidden_layers(network, inputs), lambda: network(inputs)).values()
    assert not found.flat.any()
    assert not found.dead.any()
    assert not found.saturated.any()
