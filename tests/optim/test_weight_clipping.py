"""Weight clipping by hand, and what it must leave alone."""

import math

import pytest
import torch
from torch import nn

from plastic_rl.layers import hidden_layers
from plastic_rl.optim import WeightClipping


def still(network, **settings):
    """Clipping around an optimiser that moves nothing."""
    return WeightClipping(torch.optim.SGD(network.parameters(), lr=0.0), **settings)


def fill(network, value):
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(value)


def test_weights_and_biases_are_clipped_by_the_inputs_of_their_layer():
    network = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    fill(network, 10.0)
    with torch.no_grad():
        network[0].weight[0] = torch.tensor([0.5, -0.9, -10.0, 1.0])
    still(network, kappa=1.5).step()
    assert network[0].weight[0].tolist() == [0.5, -0.75, -0.75, 0.75]
    assert network[0].bias.tolist() == [0.75] * 3
    assert network[2].weight.flatten().tolist() == pytest.approx([1.5 / math.sqrt(3)] * 6)
    assert network[2].bias.tolist() == pytest.approx([1.5 / math.sqrt(3)] * 2)


def test_the_step_comes_first_and_is_clipped_with_the_rest():
    layer = nn.Linear(4, 1, bias=False)
    fill(layer, 0.4)
    optimizer = WeightClipping(torch.optim.SGD(layer.parameters(), lr=1.0), kappa=1.0)
    layer.weight.grad = torch.tensor([[1.0, -1.0, 0.05, -0.05]])
    optimizer.step()
    assert layer.weight[0].tolist() == pytest.approx([-0.5, 0.5, 0.35, 0.45])


@pytest.mark.parametrize(
    ("layer", "fan_in"), [(nn.Conv2d(3, 5, 4), 48), (nn.Conv2d(4, 6, 3, groups=2), 18), (nn.Conv1d(2, 3, 8), 16)]
)
def test_a_convolution_hears_its_inputs_at_every_position_of_the_kernel(layer, fan_in):
    fill(layer, -10.0)
    still(layer, kappa=2.0).step()
    for parameter in layer.parameters():
        torch.testing.assert_close(parameter.detach(), torch.full_like(parameter, -2 / math.sqrt(layer_fan_in(layer))))
    assert layer_fan_in(layer) == fan_in


def layer_fan_in(layer):
    return layer.weight[0].numel()


def test_norms_are_left_alone_with_layers_and_without():
    for given in (True, False):
        network = nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 2))
        layers = hidden_layers(network, torch.zeros(1, 4)) if given else ()
        fill(network, 5.0)
        WeightClipping(torch.optim.SGD(network.parameters(), lr=0.0), layers, kappa=1.0).step()
        assert (network[1].weight == 5).all()
        assert (network[1].bias == 5).all()
        assert (network[0].bias == 0.5).all()


def test_a_vector_of_no_layer_is_left_alone():
    noise, layer = nn.Parameter(torch.full((3,), 5.0)), nn.Linear(4, 3)
    optimizer = WeightClipping(torch.optim.SGD([noise, *layer.parameters()], lr=0.0), kappa=1.0)
    optimizer.step()
    assert (noise == 5).all()


def test_what_is_frozen_is_left_alone_whenever_it_was_frozen():
    network = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    fill(network, 10.0)
    network[0].weight.requires_grad_(False)
    optimizer = still(network, kappa=1.0)
    network[2].bias.requires_grad_(False)
    optimizer.step()
    assert (network[0].weight == 10).all()
    assert (network[2].bias == 10).all()
    assert (network[0].bias == 10).all()  # its weight is no weight that trains, so nobody says how far it may go
    assert (network[2].weight < 1).all()


def test_it_says_when_fresh_weights_will_be_cut_off():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 50), nn.ReLU(), nn.Linear(50, 2))
    assert list(still(network, kappa=1.0).concerns()) == []
    with torch.no_grad():
        network[0].weight.mul_(2)
    (concern,) = still(network, kappa=1.0).concerns()
    assert concern.startswith("3")  # half of 200 of 300 weights
    assert "kappa=1" in concern


def test_layers_found_anew_are_clipped():
    network = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    optimizer = still(network, kappa=1.0)
    network[2] = nn.Linear(3, 2)
    optimizer.add_param_group({"params": list(network[2].parameters())})
    optimizer.reattach(hidden_layers(network, torch.zeros(1, 4)))
    fill(network, 10.0)
    optimizer.step()
    assert (network[2].weight < 1).all()


@pytest.mark.parametrize("kappa", [0.0, -1.0, math.nan])
def test_a_bound_that_is_no_bound_is_refused(kappa):
    with pytest.raises(ValueError, match="kappa"):
        still(nn.Linear(1, 1), kappa=kappa)
