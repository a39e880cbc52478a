"""Where activations are flat, by slopes worked out by hand."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from plastic_rl.diagnostics import Flatness, dead, flatness, is_flat
from plastic_rl.layers import HiddenLayer, hidden_layers


class OneUnit(nn.Module):
    """A unit that takes in its input as it is."""

    def __init__(self, activation):
        super().__init__()
        self.unit, self.activation, self.reader = nn.Linear(1, 1), activation, nn.Linear(1, 1)
        nn.init.ones_(self.unit.weight)
        nn.init.zeros_(self.unit.bias)

    def forward(self, x):
        return self.reader(self.activation(self.unit(x)))


def of(network, x):
    found = flatness(hidden_layers(network, x[:2]), lambda: network(x))
    return next(iter(found.values()))


def marks(activation, *points):
    """Return "dead", "saturated" or "" for a unit that only ever hears each point."""
    found = of(OneUnit(activation), torch.tensor(points)[:, None])
    words = []
    for point in range(len(points)):
        alone = Flatness(found.flat[point : point + 1], found.silent[point : point + 1])
        words.append("dead" if alone.dead else "saturated" if alone.saturated else "")
    return words


@pytest.mark.parametrize(
    ("activation", "points", "words"),
    [
        (F.relu, (-0.1, 0.1), ["dead", ""]),
        (nn.ReLU(inplace=True), (-0.1, 0.1), ["dead", ""]),
        (lambda x: x.clamp(min=0), (-0.1, 0.1), ["dead", ""]),
        # 1 - tanh² is 0.0121 at 2.9 and 0.0081 at 3.1.
        (torch.tanh, (-3.1, -2.9, 2.9, 3.1), ["saturated", "", "", "saturated"]),
        # σ(1 - σ) is 0.00273 at 5.9 and 0.00223 at 6.1, and 1/4 where it is steepest; σ(-6.1) = 0.0022.
        (torch.sigmoid, (-6.1, -5.9, 5.9, 6.1), ["dead", "", "", "saturated"]),
        # e^-4.5 = 0.0111, e^-4.7 = 0.0091; it says -0.99 there.
        (F.elu, (-4.7, -4.5, 1.0), ["saturated", "", ""]),
        (F.hardtanh, (-1.01, -0.99, 0.99, 1.01), ["saturated", "", "", "saturated"]),
        (F.relu6, (-0.1, 0.1, 5.9, 6.1), ["dead", "", "", "saturated"]),
        (F.hardsigmoid, (-3.1, -2.9, 2.9, 3.1), ["dead", "", "", "saturated"]),
        # σ(-4.5) = 0.0110, σ(-4.7) = 0.0090.
        (F.softplus, (-4.7, -4.5), ["dead", ""]),
        # Φ + xφ is -0.0119 at -3 and -0.0092 at -3.1.
        (F.gelu, (-3.1, -3.0), ["dead", ""]),
        # σ(1 + x(1 - σ)) is -0.0103 at -6.2 and -0.0085 at -6.45.
        (F.silu, (-6.45, -6.2), ["dead", ""]),
        # The slope of 0.01 is what it is meant to have: it never dies.
        (F.leaky_relu, (-100.0, 100.0), ["", ""]),
        (lambda x: x, (-100.0, 100.0), ["", ""]),
    ],
)
def test_each_activation_has_its_own_flat_places(activation, points, words):
    assert marks(activation, *points) == words


def test_the_measure_of_a_slope_is_the_steepest_that_the_activation_has():
    slopes = torch.tensor([0.011, 0.009, -0.011, -0.009, float("nan")])
    assert is_flat(slopes).tolist() == [False, True, False, True, False]
    assert not is_flat(slopes, steepest=0.25).any()


def test_a_unit_may_wake_up_on_one_sample_in_a_hundred():
    flat = torch.ones(200, 3, dtype=torch.bool)
    flat[:2, 1] = False  # on 1 %
    flat[:3, 2] = False  # on 1.5 %
    assert Flatness(flat, flat).stuck.tolist() == [True, True, False]
    assert Flatness(flat, flat).dead.tolist() == [True, True, False]


def test_a_tanh_unit_at_minus_one_is_saturated_as_one_at_plus_one_is():
    """By the rule for ReLU the one is dead and the other as well as can be."""
    network = nn.Sequential(nn.Linear(1, 2), nn.Tanh(), nn.Linear(2, 1))
    with torch.no_grad():
        network[0].bias.copy_(torch.tensor([-50.0, 50.0]))
    x = torch.randn(20, 1)
    found = of(network, x)
    assert (found.dead.tolist(), found.saturated.tolist()) == ([False, False], [True, True])
    assert dead(network[:2](x)).tolist() == [True, False]


def test_a_channel_is_flat_on_an_image_if_it_is_at_all_of_its_places():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 1))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([1.0, -1.0])[:, None, None, None])
        network[0].bias.zero_()
    images = torch.ones(3, 1, 4, 4)
    images[1] = -1.0
    images[2, 0, 3, 3] = -1.0
    # Channel 0 passes what is positive, channel 1 what is negative.
    assert of(network, images).flat.tolist() == [[False, True], [True, False], [False, False]]


def test_what_lies_between_an_activation_and_its_reader_is_looked_through():
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.unit, self.norm, self.reader = nn.Linear(1, 3), nn.LayerNorm(6), nn.Linear(6, 1)
            nn.init.ones_(self.unit.weight)

        def forward(self, x):
            said = self.unit(x)
            both = torch.cat([F.relu(said), F.relu(-said)], 1)  # one half always lives
            return self.reader(self.norm(both * 3.0).view(-1, 6))

    assert not of(Network(), torch.randn(5, 1)).flat.any()


def test_a_norm_before_the_activation_changes_nothing():
    network = nn.Sequential(nn.Linear(2, 4), nn.LayerNorm(4), nn.ReLU(), nn.Linear(4, 1))
    with torch.no_grad():
        network[1].bias.copy_(torch.tensor([-50.0, 50.0, 50.0, 50.0]))
    assert of(network, torch.randn(8, 2)).dead.tolist() == [True, False, False, False]


def test_units_on_a_way_without_activation_are_never_flat():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.reader = nn.Linear(2, 3), nn.Linear(3, 3), nn.Linear(3, 1)

        def forward(self, x):
            stream = self.first(x)
            return self.reader(stream + self.second(F.relu(stream - 100.0)))

    network = Residual()
    layer = HiddenLayer("first", network.first, [network.reader], partners=[network.second])
    found = flatness([layer], lambda: network(torch.randn(4, 2)))["first"]
    assert not found.flat.any()


@pytest.mark.parametrize("own", [F.softsign, lambda x: x * torch.sigmoid(x), lambda x: F.relu(x).detach()])
def test_of_an_activation_that_is_not_known_nothing_is_said(own):
    assert of(OneUnit(own), torch.randn(4, 1)) is None


def test_nothing_stays_behind():
    network = OneUnit(torch.tanh)
    layers = hidden_layers(network, torch.zeros(2, 1))
    with pytest.raises(RuntimeError, match="shapes"):
        flatness(layers, lambda: network(torch.zeros(2, 5)))
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in network.modules())
    with torch.no_grad():
        flatness(layers, lambda: network(torch.zeros(2, 1)))
        assert not torch.is_grad_enabled()
    assert network.unit.weight.grad is None
