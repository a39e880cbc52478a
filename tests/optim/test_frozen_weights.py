"""Only what trains is touched: units of which a producer or a reader is frozen are left alone, and named once."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.learners import Blueprint, backprop_learner
from plastic_rl.optim import PlasticOptimizer, ShrinkPerturb, UnitReplacer, methods_in
from plastic_rl.streams import Plan
from tests.contract.methods import METHODS, often
from tests.optim.networks import are_equal, mlp, numbers, train
from tests.streams.small import Blobs, go_through
from tests.streams.small import mlp as small_mlp

REPLACING = {name: method.on for name, method in METHODS.items() if method.replaces}
replacing = pytest.mark.parametrize("method", REPLACING.values(), ids=REPLACING.keys())


def deep(width: int = 12) -> nn.Sequential:
    """Three hidden layers; the units of layer 0 meet layers 0 and 2, of 2 layers 2 and 4, of 4 layers 4 and 6."""
    torch.manual_seed(0)
    return nn.Sequential(*mlp(width=width)[:4], nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2))


def found(network: nn.Module, width: int = 6) -> list[HiddenLayer]:
    return hidden_layers(network, torch.zeros(1, width))


def adam(network: nn.Module) -> Optimizer:
    return torch.optim.Adam(network.parameters(), lr=1e-2)


def replaced(optimizer: Optimizer) -> dict[str, float]:
    (method,) = methods_in(optimizer)
    assert isinstance(method, UnitReplacer)
    metrics = method.metrics()
    return {layer.name: metrics[f"{method.prefix}/replaced/{layer.name}"] for layer in method.layers}


@replacing
@pytest.mark.parametrize("make", [adam, lambda network: torch.optim.SGD(network.parameters(), lr=0.05)])
def test_a_frozen_encoder_stays_as_it_is_under_an_optimiser_of_all(
    method: Callable[..., PlasticOptimizer], make: Callable[[nn.Module], Optimizer], caplog: pytest.LogCaptureFixture
):
    network = deep()
    network[:3].requires_grad_(False)
    before = numbers(network[:3])
    optimizer = method(make(network), found(network))
    train(network, optimizer, 12)
    assert are_equal(before, numbers(network[:3]))
    counts = replaced(optimizer)
    assert (counts["0"], counts["2"]) == (0, 0)
    assert counts["4"] > 0
    assert [record.message.split("`")[1] for record in caplog.records if "left alone" in record.message] == ["0", "2"]


@pytest.mark.parametrize("place", [2, 4])
def test_a_frozen_reader_keeps_the_columns_that_it_reads_units_by(place: int):
    network = deep()
    network[place].weight.requires_grad_(False)
    before = network[place].weight.clone()
    optimizer = often(adam(network), found(network))
    train(network, optimizer, 12)
    assert torch.equal(before, network[place].weight)
    assert [name for name, count in replaced(optimizer).items() if not count] == [str(place - 2), str(place)]


@pytest.mark.parametrize("name", ["0.bias", "1.weight", "1.bias"])
def test_a_frozen_bias_or_norm_is_enough(name: str):
    network = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    network.get_parameter(name).requires_grad_(False)
    before = network.get_parameter(name).clone()
    optimizer = often(adam(network), hidden_layers(network, torch.zeros(2, 6)))
    train(network, optimizer, 12)
    assert replaced(optimizer) == {"0": 0}
    assert torch.equal(before, network.get_parameter(name))


def test_the_bias_of_a_reader_counts_where_means_are_moved_into_it():
    results = {}
    for moves in (False, True):
        network = mlp()
        network[4].bias.requires_grad_(False)
        before = network[4].bias.clone()
        optimizer = often(adam(network), found(network), move_mean_to_bias=moves)
        train(network, optimizer, 12)
        assert torch.equal(before, network[4].bias)
        results[moves] = [name for name, count in replaced(optimizer).items() if count]
    assert results == {False: ["0", "2"], True: ["0"]}


class LowRank(nn.Module):
    """A frozen linear layer beside a small one that trains, as in LoRA."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.base = nn.Linear(inputs, outputs).requires_grad_(False)
        self.down, self.up = nn.Linear(inputs, 4, bias=False), nn.Linear(4, outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + self.up(self.down(x))


@pytest.mark.parametrize("has_all", [True, False], ids=["all parameters", "those that train"])
def test_of_low_rank_adapters_only_their_own_units_are_replaced(has_all: bool):
    network = nn.Sequential(LowRank(6, 8), nn.ReLU(), LowRank(8, 2))
    frozen = copy.deepcopy(network.state_dict())
    trained = [parameter for parameter in network.parameters() if has_all or parameter.requires_grad]
    optimizer = often(torch.optim.Adam(trained), found(network))
    train(network, optimizer, 12)
    counts = replaced(optimizer)
    assert counts.pop("0.base") == 0
    assert set(counts) == {"0.down", "2.down"}
    assert all(counts.values())
    for place in ("0", "2"):
        for name in (f"{place}.base.weight", f"{place}.base.bias"):
            assert torch.equal(frozen[name], network.state_dict()[name])


@replacing
def test_layers_that_are_frozen_later_are_left_alone_until_they_are_thawed(method: Callable[..., PlasticOptimizer]):
    network = deep()
    optimizer = method(adam(network), found(network))
    train(network, optimizer, 6)
    first = replaced(optimizer)
    assert all(first.values())
    network[0].requires_grad_(False)
    optimizer.zero_grad()
    before = numbers(network[0])
    train(network, optimizer, 8)
    assert are_equal(before, numbers(network[0]))
    second = replaced(optimizer)
    assert second["0"] == first["0"]
    assert second["2"] > first["2"]
    network[0].requires_grad_(True)
    train(network, optimizer, 8, batch=2)  # so few that some unit is silent on all of them
    assert replaced(optimizer)["0"] > first["0"]


def test_no_debt_builds_up_while_a_layer_is_frozen():
    network = deep()
    optimizer = often(adam(network), found(network))
    train(network, optimizer, 6)
    first = replaced(optimizer)
    network[0].requires_grad_(False)
    train(network, optimizer, 8)
    network[0].requires_grad_(True)
    train(network, optimizer, 8)
    assert first["0"] < replaced(optimizer)["0"] <= first["0"] + 9 * 12 * 0.1 + 1


def test_a_layer_frozen_between_a_step_and_the_next_is_left_alone_at_once():
    network = mlp()
    optimizer = often(adam(network), found(network), replacement_rate=1 / 16, maturity_threshold=0)
    network[2].weight.requires_grad_(False)  # its units fall due after the very next step
    before = network[2].weight.clone()
    assert optimizer.falls_due()
    train(network, optimizer, 1)
    assert torch.equal(before, network[2].weight)


def test_what_was_taken_out_of_the_optimiser_is_frozen_too(caplog: pytest.LogCaptureFixture):
    network = deep()
    groups = [{"params": layer.parameters()} for layer in network if list(layer.parameters())]
    optimizer = often(torch.optim.SGD(groups, lr=0.05), found(network))
    del optimizer.param_groups[0]
    before = numbers(network[0])
    train(network, optimizer, 12)
    assert are_equal(before, numbers(network[0]))
    assert [name for name, count in replaced(optimizer).items() if count] == ["2", "4"]
    assert sum("left alone" in record.message for record in caplog.records) == 1


def half_frozen() -> nn.Module:
    network = small_mlp()
    network[0].requires_grad_(False)
    return network


@replacing
@pytest.mark.parametrize("seeds", [(3,), (3, 4)])
def test_frozen_layers_of_one_seed_and_of_two_stay_as_they_are(
    method: Callable[..., PlasticOptimizer], seeds: tuple[int, ...]
):
    blueprint = Blueprint(half_frozen, lambda parameters: torch.optim.SGD(parameters, lr=0.1), method)
    streams = [Blobs(Plan(1, batch_size=2), seed) for seed in seeds]
    learner = backprop_learner(blueprint, streams)
    before = [numbers(network) for network in learner.networks]
    go_through(streams, learner)
    for metrics, network, start in zip(learner.metrics(), learner.networks, before, strict=True):
        counts = {name[-1]: count for name, count in metrics.items() if name[:-1].endswith("/replaced/")}
        assert (counts["0"], counts["2"] > 0) == (0, True)
        assert are_equal(start[:2], numbers(network[0]))
        assert not are_equal(start[2:], numbers(network[2:]))


def test_a_frozen_layer_is_forecast_to_stay_and_named():
    network = mlp()
    network[0].requires_grad_(False)
    optimizer = often(adam(network), found(network))
    assert [(each.name, each.first_update is None) for each in optimizer.forecast()] == [("0", True), ("2", False)]
    assert list(optimizer.concerns(1000)) == [
        "0: weights that produce or read these units do not train, so they are left alone."
    ]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("later", [False, True], ids=["before", "later"])
def test_no_method_moves_frozen_weights(name: str, later: bool):
    network, method = mlp(), METHODS[name]
    network[0].requires_grad_(later)
    base = adam(network) if name == "Adam-Rel" else torch.optim.SGD(network.parameters(), lr=0.05)
    optimizer = method.on(base, found(network))
    train(network, optimizer, 3)
    method.begin(optimizer)
    train(network, optimizer, 3)
    network[0].requires_grad_(False)
    optimizer.zero_grad()
    before, trained = numbers(network[0]), numbers(network[2])
    train(network, optimizer, 6)
    assert are_equal(before, numbers(network[0]))
    assert not are_equal(trained, numbers(network[2]))
    method.begin(optimizer)  # the next task of methods that know tasks
    train(network, optimizer, 2)
    assert are_equal(before, numbers(network[0]))


def test_shrink_and_perturb_of_nothing_that_trains_does_nothing():
    network = mlp().requires_grad_(False)
    before = numbers(network)
    ShrinkPerturb(torch.optim.SGD(network.parameters(), lr=0.0), noise_std=0.1).step()
    assert are_equal(before, numbers(network))


def test_the_optimiser_of_another_network_is_still_refused(caplog: pytest.LogCaptureFixture):
    network, other = mlp(), mlp()
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(ValueError, match=r"does not train all weights of \['0', '2'\]"),
    ):
        often(adam(other), found(network))
