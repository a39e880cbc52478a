"""The modules between two linear layers, by name, in networks of their own and in those that have names."""

import pytest
import torch
from torch import nn

from plastic_rl.layers import hidden_layers
from plastic_rl.networks import network_for, nonlinearity
from plastic_rl.networks.normalization import WidthFreeLayerNorm

SIZES = {"hidden_layers": 2, "hidden_units": 8, "width": 4}


def kinds(network):
    return [type(module).__name__ for module in network]


def test_without_options_a_relu_follows_and_nothing_else():
    assert kinds(nonlinearity()) == ["ReLU"]
    assert kinds(nonlinearity(8, normalization="layer", dropout=0.1)) == ["LayerNorm", "ReLU", "Dropout"]


def test_layer_normalisation_of_any_width_is_that_of_torch():
    norm = WidthFreeLayerNorm()
    for width in (3, 5):
        inputs = torch.randn(4, 2, width)
        assert torch.equal(norm(inputs), nn.LayerNorm(width, elementwise_affine=False)(inputs))
    assert list(norm.state_dict()) == []


def test_layer_normalisation_by_hand():
    """Of 1 and 3 the mean is 2 and the deviation 1; both are scaled by 1 / √(1 + ε)."""
    (values,) = WidthFreeLayerNorm()(torch.tensor([[1.0, 3.0]]))
    torch.testing.assert_close(values, torch.tensor([-1.0, 1.0]) / 1.00001**0.5)


def test_a_norm_of_any_width_is_found_between_units_and_their_readers():
    network = nn.Sequential(nn.Linear(4, 6), *nonlinearity(normalization="layer"), nn.Linear(6, 2))
    (layer,) = hidden_layers(network, torch.randn(2, 4))
    assert layer.is_audible  # a unit that nobody reads moves the mean of the others
    assert [(port.name, port.index.flatten().tolist()) for port in layer.normed_by] == [("1", list(range(6)))]


def test_batch_normalisation_must_know_the_width():
    with pytest.raises(ValueError, match="needs to know how many units"):
        nonlinearity(normalization="batch")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"activation": "step"}, "activation must be one of relu, leaky_relu, .*; got 'step'"),
        (
            {"slope": 0.1},
            "no setting slope of a non-linearity, here relu; there are normalization, activation, dropout$",
        ),
        (
            {"activation": "smooth_leaky_relu", "p": 3},
            "smooth_leaky_relu; there are .*, dropout, slope, sharpness",
        ),
        ({"activation": "leaky_relu", "slope": 1.5}, r"slope must be in \[0, 1\], got 1.5"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
        ({"activation": "aid", "probability": 0.0}, "probability must be above 0"),
        ({"activation": "aid", "probability": 1.1}, r"probability must be in \[0, 1\], got 1.1"),
        ({"activation": "prelu", "initial_slope": -1.0}, r"initial_slope must be in \[0, 1\], got -1.0"),
        ({"activation": "smooth_leaky_relu", "slope": 2.0}, r"slope must be in \[0, 1\], got 2.0"),
        ({"activation": "smooth_leaky_relu", "sharpness": 0.0}, "sharpness must be above 0 and finite, got 0.0"),
    ],
)
def test_what_there_is_not_is_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        nonlinearity(**settings)


def test_an_mlp_with_layer_normalisation_is_the_layer_norm_mlp():
    torch.manual_seed(0)
    one = network_for("mlp", (5,), 3, **SIZES, normalization="layer")
    torch.manual_seed(0)
    other = network_for("layer_norm_mlp", (5,), 3, **SIZES)
    assert kinds(one) == kinds(other) == ["Linear", "LayerNorm", "ReLU"] * 2 + ["Linear"]
    assert all(map(torch.equal, one.parameters(), other.parameters()))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resnet18", "a resnet18 is as its paper has it, without normalization=layer: use agent.network=mlp"),
        ("linear", "a linear is as its paper has it"),
        ("batch_norm_mlp", "a batch_norm_mlp is normalised already, and normalization=layer was asked for"),
    ],
)
def test_networks_that_cannot_have_it_are_refused_by_name(name, words):
    with pytest.raises(ValueError, match=words):
        network_for(name, (3, 32, 32), 3, **SIZES, normalization="layer")
