"""The multilayer perceptron of the streams of numbers and flat images."""

import math

import pytest
import torch
from torch import nn

from plastic_rl.networks import MLP
from plastic_rl.networks.normalization import normalization_of


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


@pytest.mark.parametrize(("name", "kind", "over"), [("layer", nn.LayerNorm, 1), ("batch", nn.BatchNorm1d, 0)])
def test_what_goes_into_each_relu_may_be_normalised(name, kind, over):
    network = MLP(4, 3, hidden_units=6, hidden_layers=2, normalization=name)
    linear, norm, relu, *_ = network
    assert isinstance(norm, kind)
    assert isinstance(relu, nn.ReLU)
    normalised = norm(linear(torch.randn(5, 4)))
    torch.testing.assert_close(normalised.mean(over), torch.zeros(5 if over else 6), atol=1e-6, rtol=0)
    assert sum(parameter.numel() for parameter in network.parameters()) == 4 * 6 + 6 + 6 * 6 + 6 + 6 * 3 + 3


def test_one_example_alone_is_normalised_by_running_averages_and_leaves_them_as_they_are():
    norm = normalization_of(3, "batch")
    norm(torch.randn(8, 3))
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    alone = torch.randn(1, 3)
    in_training = norm(alone)
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())
    torch.testing.assert_close(in_training, norm.eval()(alone))


def test_without_hidden_layers_it_is_linear():
    assert [type(module) for module in MLP(4, 3, hidden_layers=0)] == [nn.Linear]


@pytest.mark.parametrize("wrong", [{"hidden_units": 0}, {"hidden_layers": -1}])
def test_a_network_of_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match="at least one input, output and unit"):
        MLP(4, 3, **wrong)
