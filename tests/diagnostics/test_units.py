"""Units by what they do on a batch: each word by numbers worked out by hand, for each kind of activation."""

import pytest
import torch
from torch import nn

from plastic_rl.diagnostics import (
    Kind,
    activation_kinds,
    dead,
    dormancy_score,
    dormant,
    duplicate,
    linearised,
    rarely_active,
    report,
    saturated,
)
from plastic_rl.layers import hidden_layers
from plastic_rl.networks.nonlinearity import nonlinearity

# Mean |h| by unit: 2, 0.02, 0.98; the layer's mean is 1.
FEATURES = torch.tensor([[1.0, 0.0, -0.96], [3.0, 0.04, 1.0]])


def test_dormancy_is_relative_to_the_layer():
    torch.testing.assert_close(dormancy_score(FEATURES), torch.tensor([2.0, 0.02, 0.98]))
    assert dormant(FEATURES).tolist() == [False, True, False]


def test_the_threshold_belongs_to_the_dormant():
    assert dormant(FEATURES, threshold=dormancy_score(FEATURES)[2].item()).tolist() == [False, True, True]


def test_dormancy_does_not_depend_on_the_scale():
    torch.testing.assert_close(dormancy_score(1e3 * FEATURES), dormancy_score(FEATURES))


def test_dead_units_are_hardly_ever_above_zero():
    features = -torch.ones(200, 3)
    features[:2, 1] = 1.0  # active on 1 % of the samples
    features[:3, 2] = 1.0  # on 1.5 %
    assert dead(features).tolist() == [True, True, False]
    assert rarely_active(features).tolist() == [True, True, False]


def test_a_silent_layer_is_wholly_dormant():
    assert dormant(torch.zeros(4, 3)).all()


def test_a_leaky_unit_below_zero_learns_and_is_not_dead_unless_it_says_the_same_of_everything():
    features = torch.stack([torch.linspace(-0.02, -0.01, 200), torch.full((200,), -0.01)], 1)
    assert dead(features, Kind.leaky).tolist() == [False, True]
    assert rarely_active(features).tolist() == [True, True]


def test_a_tanh_unit_is_dead_where_it_is_constant_at_either_end():
    moving = torch.linspace(-0.5, 0.5, 100)
    features = torch.stack([torch.full((100,), 1.0), torch.full((100,), -1.0), moving, 0.001 * moving], 1)
    # The last has a standard deviation of 0.001 · √(1/12 · 101/99) = 0.00029.
    assert dead(features, Kind.tanh).tolist() == [True, True, False, True]


def test_a_smooth_rectifier_is_dead_where_it_says_next_to_nothing():
    features = torch.tensor([-0.019, -0.17, 1.0]).expand(100, 3)
    assert dead(features, Kind.smooth).tolist() == [True, False, False]


def test_of_an_unknown_kind_only_what_is_exactly_zero_is_dead():
    features = torch.tensor([0.0, -1e-6, 1e-6]).expand(100, 3)
    assert dead(features, Kind.unknown).tolist() == [True, False, False]


def test_units_at_an_end_of_their_range_are_saturated():
    features = torch.full((100, 3), 0.995)
    features[:1, 1] = 0.0  # 99 % of the samples
    features[:2, 2] = 0.0  # 98 %
    assert saturated(features, Kind.tanh).tolist() == [True, True, False]
    assert saturated(-features, Kind.tanh).tolist() == [True, True, False]
    ends = torch.tensor([0.002, 0.008, 0.998]).expand(10, 3)  # 0.005 and 0.995 are 1 % of the way from an end
    assert saturated(ends, Kind.sigmoid).tolist() == [True, False, True]
    assert saturated(features, Kind.rectifier).tolist() == [False] * 3
    assert saturated(features, Kind.unknown) is None


def test_units_on_one_straight_piece_are_linearised():
    features = torch.ones(10, 3)
    features[0, 1] = features[:2, 2] = 0.0  # active on 10, 9 and 8 of 10 samples
    assert linearised(features, Kind.rectifier).tolist() == [True, True, False]
    assert linearised(-features, Kind.rectifier).tolist() == [False] * 3
    assert linearised(-features, Kind.leaky).tolist() == [True] * 3
    assert linearised(torch.tensor([0.29, 0.31]).expand(10, 2), Kind.tanh).tolist() == [True, False]
    assert linearised(features, Kind.smooth) is None


def test_a_unit_that_says_what_an_earlier_one_says_is_a_duplicate():
    features = torch.tensor([[1.0, 2.0, 0.0, 1.0, 0.0], [1.0, 2.0, 1.0, 0.9, 0.0]])
    # Cosines with the first: 1, 0.707, 1.9 / (1.414 · 1.345) = 0.9986; the last is nothing.
    assert duplicate(features).tolist() == [False, True, False, True, False]


KINDS = {
    "relu": Kind.rectifier,
    "leaky_relu": Kind.leaky,
    "prelu": Kind.leaky,
    "aid": Kind.leaky,
    "rational": Kind.unknown,
    "crelu": Kind.rectifier,
}


@pytest.mark.parametrize(("activation", "kind"), KINDS.items())
def test_the_kind_of_an_activation_is_found_and_units_below_zero_that_learn_are_not_dead(activation: str, kind: Kind):
    twice = 2 if activation == "crelu" else 1
    network = nn.Sequential(nn.Linear(2, 4), *nonlinearity(activation=activation), nn.Linear(4 * twice, 1)).eval()
    with torch.no_grad():
        network[0].bias.fill_(-5.0)  # all below zero
    x = torch.rand(50, 2)
    layers = hidden_layers(network, x)
    kinds = activation_kinds(layers, lambda: network(x))
    assert kinds == {"0": kind}
    numbers = report(layers, lambda: network(x), kinds)
    assert numbers["units/dead"] == (1.0 if activation == "relu" else 0.0)


def test_the_kind_is_that_of_the_activation_before_the_reader_behind_a_norm_too():
    network = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.LayerNorm(4), nn.Linear(4, 3), nn.Linear(3, 1))
    x = torch.rand(5, 2)
    assert activation_kinds(hidden_layers(network, x), lambda: network(x)) == {"0": Kind.tanh, "3": Kind.linear}
