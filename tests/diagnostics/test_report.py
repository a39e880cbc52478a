"""The report on a network's hidden layers."""

from pathlib import Path

import pytest
import torch
from torch import nn

from plastic_rl.diagnostics import (
    Kind,
    activations,
    effective_rank,
    pca_rank,
    report,
    singular_values,
    srank,
    stable_rank,
)
from plastic_rl.layers import hidden_layers

KINDS = {"0": Kind.rectifier, "2": Kind.rectifier}


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


def test_ranks_are_shares_of_the_width_and_not_numbers_of_dimensions():
    """Two of four units pass on the two inputs, equally large: σ = 1, 1, 0, 0, so that every rank is 2 of 4."""
    network = nn.Sequential(nn.Linear(2, 4, bias=False), nn.ReLU(), nn.Linear(4, 1))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]]))
    x = torch.eye(2)
    numbers = report(hidden_layers(network, x), lambda: network(x))
    names = ("rank/effective", "rank/srank99", "rank/stable", "rank/pca99")
    assert {name: numbers[name] for name in names} == dict.fromkeys(names, pytest.approx(0.5))
    assert {name: numbers[f"{name}/0"] for name in names} == dict.fromkeys(names, pytest.approx(0.5))


def test_names_and_values_are_those_of_the_runs_so_far(network: nn.Sequential):
    """Files of runs and committed tables hold them: they are, to the bit, rank over width and its mean over layers."""
    x = torch.randn(256, 3)
    layers = hidden_layers(network, x)
    seen, numbers = activations(layers, lambda: network(x)), report(layers, lambda: network(x))
    ranks = {"effective": effective_rank, "srank99": srank, "stable": stable_rank, "pca99": pca_rank}
    by_layer = {
        name: [of(singular_values(values)).item() / values.shape[1] for values in seen.values()]
        for name, of in ranks.items()
    }
    for name, (first, second) in by_layer.items():
        of_layers = numbers[f"rank/{name}/0"], numbers[f"rank/{name}/2"]
        assert (*of_layers, numbers[f"rank/{name}"]) == (first, second, (first + second) / 2)
    totals = {name for name in numbers if not name.endswith(("/0", "/2"))}
    units = {"units/dormant", "units/dead", "units/rarely_active"}
    assert totals == {*units, "weights/mean_abs", *(f"rank/{name}" for name in ranks)}


def test_with_the_kinds_of_activations_more_is_said_of_units(network: nn.Sequential):
    x = torch.randn(256, 3)
    layers = hidden_layers(network, x)
    plain, told = report(layers, lambda: network(x)), report(layers, lambda: network(x), KINDS)
    assert {name.rpartition("/")[0] for name in told.keys() - plain.keys() if name[-1].isdigit()} == {
        "units/saturated",
        "units/linearised",
    }
    assert plain.items() <= told.items()  # the units of a ReLU that is dead are exactly 0


def test_a_thorough_report_adds_duplicates_and_the_ranks_of_weights():
    """Units 0 and 1 are one unit twice; the weight is of rank 2, and so is what it makes of four inputs."""
    network = nn.Sequential(nn.Linear(4, 3, bias=False), nn.ReLU(), nn.Linear(3, 1))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[1.0, 0, 0, 0], [1.0, 0, 0, 0], [0, 1.0, 0, 0]]))
    x = torch.eye(4)
    numbers = report(hidden_layers(network, x), lambda: network(x), thorough=True)
    assert numbers["units/duplicate"] == pytest.approx(1 / 3)
    assert numbers["rank/numerical"] == numbers["weight_rank/numerical"] == pytest.approx(2 / 3)
    # σ = √2, 1: stable rank 3/2 of 3; both values are needed for 99 %.
    assert numbers["weight_rank/stable/0"] == pytest.approx(0.5)
    assert numbers["weight_rank/srank99"] == numbers["weight_rank/pca99"] == pytest.approx(2 / 3)


def test_the_page_says_of_every_share_that_it_is_one(network: nn.Sequential):
    x = torch.randn(8, 3)
    numbers = report(hidden_layers(network, x), lambda: network(x), KINDS, thorough=True)
    page = (Path(__file__).parents[2] / "docs" / "concepts.md").read_text()
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    groups = ("units/", "rank/", "weight_rank/")
    shares = [name for name in numbers if name.startswith(groups) and not name.endswith(("/0", "/2"))]
    assert len(shares) == 16
    assert [name for name in shares if "share of" not in rows[name]] == []


def test_weight_magnitude_is_over_all_weights(network: nn.Sequential):
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(-0.5)
        network[4].weight.fill_(2.0)
    numbers = report(hidden_layers(network, torch.zeros(1, 3)), lambda: network(torch.zeros(1, 3)))
    assert numbers["weights/mean_abs"] == pytest.approx((0.5 * (24 + 32) + 2.0 * 8) / 64)
