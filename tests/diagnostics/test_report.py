"""The report on a network's hidden layers."""

import pytest
import torch
from torch import nn

from plastic_rl.diagnostics import activations, report
from plastic_rl.layers import hidden_layers


@pytest.fixture
def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2))


def test_activations_are_what_the_readers_read(network: nn.Sequential):
    x = torch.randn(10, 3)
    seen = activations(hidden_layers(network, x), lambda: network(x))
    torch.testing.assert_close(seen["0"], network[:2](x))
    torch.testing.assert_close(seen["2"], network[:4](x))


def test_a_channel_that_owns_several_columns_counts_with_their_mean_magnitude():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    x = torch.randn(5, 1, 4, 4)
    seen = activations(hidden_layers(network, x), lambda: network(x))["0"]
    torch.testing.assert_close(seen, network[:2](x).abs().mean((2, 3)))


def test_hooks_do_not_stay_behind(network: nn.Sequential):
    x = torch.randn(10, 3)
    with pytest.raises(RuntimeError, match="shapes"):
        activations(hidden_layers(network, x), lambda: network(torch.randn(2, 5)))
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_shares_of_units_are_weighted_by_width(network: nn.Sequential):
    with torch.no_grad():
        network[0].bias[:4] = -100.0  # four of eight units dead, none of four
        network[2].bias.fill_(10.0)
    x = torch.randn(64, 3)
    numbers = report(hidden_layers(network, x), lambda: network(x))
    assert numbers["units/dead/0"] >= 0.5
    assert numbers["units/dead/2"] == 0
    assert numbers["units/dead"] == pytest.approx(numbers["units/dead/0"] * 8 / 12)
    assert numbers["units/dormant/0"] >= 0.5


def test_ranks_are_shares_of_the_width(network: nn.Sequential):
    x = torch.randn(256, 3)
    numbers = report(hidden_layers(network, x), lambda: network(x))
    ranks = {name: value for name, value in numbers.items() if name.startswith("rank/")}
    assert {"rank/effective", "rank/srank99", "rank/stable", "rank/pca99", "rank/srank99/0"} <= set(ranks)
    assert all(0 < value <= 1 for value in ranks.values())


def test_weight_magnitude_is_over_all_weights(network: nn.Sequential):
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(-0.5)
        network[4].weight.fill_(2.0)
    numbers = report(hidden_layers(network, torch.zeros(1, 3)), lambda: network(torch.zeros(1, 3)))
    assert numbers["weights/mean_abs"] == pytest.approx((0.5 * (24 + 32) + 2.0 * 8) / 64)
