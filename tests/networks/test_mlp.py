"""The multilayer perceptron of the streams of numbers and flat images."""

import math

import pytest
import torch
from torch import nn

from plastic_rl.networks import MLP


def test_the_papers_network_has_the_papers_number_of_parameters():
    """Of Online Permuted MNIST: 9,594,010 numbers, of which 9,588,000 are weights."""
    network = MLP(784, 10)
    assert sum(parameter.numel() for parameter in network.parameters()) == 9_594_010
    assert sum(parameter.numel() for parameter in network.parameters() if parameter.ndim == 2) == 9_588_000


def test_hidden_weights_are_kaiming_uniform_the_heads_of_unit_gain_and_biases_zero():
    layers = [module for module in MLP(300, 40, hidden_units=200, hidden_layers=2) if isinstance(module, nn.Linear)]
    bounds = [math.sqrt(6 / 300), math.sqrt(6 / 200), math.sqrt(3 / 200)]
    assert [layer.weight.abs().max().item() for layer in layers] == pytest.approx(bounds, rel=2e-3)
    assert all(layer.bias.count_nonzero() == 0 for layer in layers)


def test_it_computes_what_its_weights_say():
    """One hidden layer of two units, by hand: relu(1·3 - 2) = 1 and relu(-3 + 2) = 0, so 5·1 + 7·0 + 1/2."""
    network = MLP(1, 1, hidden_units=2, hidden_layers=1)
    assert [type(module) for module in network] == [nn.Linear, nn.ReLU, nn.Linear]
    for parameter, values in zip(
        network.parameters(), ([[1.0], [-1.0]], [-2.0, 2.0], [[5.0, 7.0]], [0.5]), strict=True
    ):
        parameter.data = torch.tensor(values)
    assert network(torch.tensor([[3.0]])).item() == 5.5


def test_what_goes_into_each_relu_may_be_normalised():
    network = MLP(4, 3, hidden_units=6, hidden_layers=2, layer_norm=True)
    assert [type(module) for module in network] == [*[nn.Linear, nn.LayerNorm, nn.ReLU] * 2, nn.Linear]
    normalised = network[1](network[0](torch.randn(5, 4)))
    torch.testing.assert_close(normalised.mean(1), torch.zeros(5), atol=1e-6, rtol=0)
    assert sum(parameter.numel() for parameter in network.parameters()) == 4 * 6 + 6 + 6 * 6 + 6 + 6 * 3 + 3


def test_without_hidden_layers_it_is_linear():
    assert [type(module) for module in MLP(4, 3, hidden_layers=0)] == [nn.Linear]


@pytest.mark.parametrize("wrong", [{"hidden_units": 0}, {"hidden_layers": -1}])
def test_a_network_of_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match="at least one input, output and unit"):
        MLP(4, 3, **wrong)
