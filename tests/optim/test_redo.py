"""ReDo: its score by hand, what a reset touches, and the ways in which a score of units can go wrong."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import Tensor, nn

from plastic_rl.forecast import forecast
from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.optim import ContinualBackprop, ReDo, Stack, UnitsReplaced
from plastic_rl.optim.idle_replacer import relative_to_layer
from tests.optim.networks import OPTIMIZERS, X, are_equal, mlp, numbers, step, three_unit_layer, three_units, train


def still(network: nn.Module, layers: list[HiddenLayer], **settings) -> ReDo:
    """ReDo around an optimiser that moves nothing, so that every number is the method's own."""
    settings = {"every": 1, "seed": 0, **settings}
    return ReDo(torch.optim.SGD(network.parameters(), lr=0.0, momentum=0.9), layers, **settings)


def replaced_units(optimizer: ReDo) -> list[UnitsReplaced]:
    events: list[UnitsReplaced] = []
    optimizer.on_replacement(events.append)
    return events


def test_the_score_is_the_activity_over_the_mean_of_the_layer():
    # On X units answer [2, 1, 3] on average, their layer 2.
    assert relative_to_layer(torch.tensor([2.0, 1.0, 3.0])).tolist() == [1.0, 0.5, 1.5]


@pytest.mark.parametrize(("threshold", "units"), [(0.49, []), (0.5, [1]), (1.0, [0, 1]), (2.0, [0, 1, 2])])
def test_units_at_or_below_the_threshold_are_replaced(threshold: float, units: list[int]):
    network = three_units()
    optimizer = still(network, three_unit_layer(network), threshold=threshold)
    events = replaced_units(optimizer)
    before = network[0].weight.clone()
    step(network, optimizer, X)
    assert [event.units.tolist() for event in events] == ([units] if units else [])
    for unit in range(3):
        assert torch.equal(network[0].weight[unit], before[unit]) == (unit not in units)
        assert bool(network[2].weight[0, unit] == 0) == (unit in units)
    assert optimizer.metrics() == {"redo/replaced": len(units), "redo/replaced/hidden": len(units)}


def test_the_event_says_what_units_were_ranked_by_and_how_old_they_were():
    network = three_units()
    optimizer = still(network, three_unit_layer(network), threshold=0.5, every=2, audit_size=5)
    for _ in range(4):
        step(network, optimizer, X)
    (first, *_) = optimizer.replacements()
    assert (first.step, first.unit, first.utility, first.age) == (2, 1, 0.5, 2)


def test_it_looks_every_so_many_updates_and_hears_nothing_in_between():
    network = three_units()
    optimizer = still(network, three_unit_layer(network), threshold=100.0, every=3, audit_size=9)
    (recorder,) = optimizer.watched[0].recorders
    heard, due = [], []
    for _ in range(6):
        due.append(optimizer.falls_due())
        network(X).sum().backward()
        heard.append(recorder.magnitude is not None)
        optimizer.step()
    assert due == heard == [False, False, True] * 2
    assert [each.step for each in optimizer.replacements()] == [3] * 3 + [6] * 3


def test_deviation_finds_a_saturated_unit_and_magnitude_does_not():
    # tanh units answer [9, 10] and [1, -1], nearly (1, 1) and (0.76, -0.76).
    network = nn.Sequential(nn.Linear(1, 2), nn.Tanh(), nn.Linear(2, 1))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[0.5], [1.0]]))
        network[0].bias.copy_(torch.tensor([9.5, 0.0]))
    results = {}
    for activity in ("magnitude", "deviation"):
        optimizer = still(network, hidden_layers(network, torch.zeros(1, 1)), threshold=0.1, activity=activity)
        events = replaced_units(optimizer)
        optimizer.zero_grad()
        network(torch.tensor([[-1.0], [1.0]])).sum().backward()
        optimizer.step()
        optimizer.remove()
        results[activity] = [event.units.tolist() for event in events]
    assert results == {"magnitude": [], "deviation": [[0]]}


# Ways in which a score goes wrong.


def test_a_layer_without_any_activity_is_dormant_as_a_whole_and_comes_back():
    network = three_units()
    with torch.no_grad():
        network[0].bias.fill_(-100.0)
    inner = torch.optim.SGD(network.parameters(), lr=0.1)
    optimizer = ReDo(inner, three_unit_layer(network), threshold=0.0, every=2, seed=1)
    for _ in range(2):
        step(network, optimizer, X)
    assert optimizer.metrics()["redo/replaced"] == 3
    assert torch.isfinite(network[0].weight).all()
    assert (network[2].weight == 0).all()
    step(network, optimizer, X)
    assert (network[:2](X) > 0).any()
    assert (network[2].weight != 0).any()  # the readers of newborn units learn at once


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_activity_that_is_no_number_condemns_nobody(value: float):
    """One infinite activity makes the mean infinite, and every other unit's share of it zero."""
    network = three_units()
    optimizer = still(network, three_unit_layer(network), threshold=0.5)
    with torch.no_grad():
        network[0].bias[0] = value
    network(X)
    optimizer.step()
    assert optimizer.metrics()["redo/replaced"] == 0


def test_an_activity_of_a_passing_magnitude_is_no_division_by_zero():
    score = relative_to_layer(torch.tensor([0.0, 1e-41, 0.0]))
    assert torch.isfinite(score).all()
    assert relative_to_layer(torch.zeros(4)).tolist() == [0.0] * 4


def test_acting_and_evaluating_are_not_heard():
    network = three_units()
    optimizer = still(network, three_unit_layer(network), threshold=0.5)
    network(X).sum().backward()
    with torch.no_grad():
        network(torch.tensor([[0.0, 5.0]]))  # on this sample unit 0 would be dormant, and unit 1 not
    events = replaced_units(optimizer)
    optimizer.step()
    assert [event.units.tolist() for event in events] == [[1]]


# What a reset touches.


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_newborn_units_are_silent_after_the_step_and_when_the_next_one_begins(kind: str):
    """Reset before the step, or with their moments kept, the outgoing weights would move away from zero."""
    network = mlp()
    optimizer = ReDo(OPTIMIZERS[kind](network), hidden_layers(network, torch.zeros(1, 6)), threshold=0.7, every=2)
    events: list[UnitsReplaced] = []
    optimizer.on_replacement(events.append)
    train(network, optimizer, 4)
    assert events
    for event in events[-2:]:
        for port in event.layer.read_by:
            assert (port.parameter[:, event.units] == 0).all()


def test_the_optimisers_state_of_rows_and_columns_is_forgotten_and_the_rest_kept():
    network = three_units()
    inner = torch.optim.SGD(network.parameters(), lr=1e-4, momentum=0.9)
    optimizer = ReDo(inner, three_unit_layer(network), threshold=0.5, every=1, seed=0)
    step(network, optimizer, X)
    rows, biases, columns = (
        inner.state[each]["momentum_buffer"] for each in (network[0].weight, network[0].bias, network[2].weight)
    )
    assert (rows[1] == 0).all()
    assert (biases[1], columns[0, 1]) == (0, 0)
    assert (rows[[0, 2]] != 0).any(1).all()
    assert (columns[0, [0, 2]] != 0).all()


def test_replacing_comes_after_the_step():
    network = three_units()
    inner = torch.optim.SGD(network.parameters(), lr=1e-4, momentum=0.9)
    seen: list[Tensor] = []
    inner.register_step_post_hook(lambda *_: seen.append(network[2].weight.detach().clone()))
    step(network, ReDo(inner, three_unit_layer(network), threshold=0.5, every=1), X)
    assert (seen[0] != 0).all()
    assert network[2].weight[0, 1] == 0


def test_the_entries_of_a_norm_go_back_to_their_start():
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1))
    norm = network[1]
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([2.0, 3.0, 4.0]))
        norm.bias.copy_(torch.tensor([0.5, -100.0, 0.5]))  # unit 1 never answers
    optimizer = still(network, hidden_layers(network, torch.zeros(2, 2)), threshold=0.0)
    step(network, optimizer, torch.randn(4, 2, generator=torch.Generator().manual_seed(0)))
    assert norm.weight.tolist() == [2.0, 1.0, 4.0]
    assert norm.bias.tolist() == [0.5, 0.0, 0.5]
    assert (norm.running_mean[1], norm.running_var[1]) == (0.0, 1.0)
    assert (norm.running_mean[[0, 2]] != 0).all()


def test_the_output_layer_keeps_its_rows():
    network = mlp()
    before = network[4].bias.clone()
    optimizer = still(network, hidden_layers(network, torch.zeros(1, 6)), threshold=100.0)
    train(network, optimizer, 1)
    assert torch.equal(network[4].bias, before)
    assert optimizer.metrics()["redo/replaced"] == 32


def test_units_of_convolutions_are_scored_by_their_average_over_places():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(8, 1))  # 2 channels of 2 x 2
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([1.0, 4.0]).view(2, 1, 1, 1))
        network[0].bias.zero_()
    x = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]], [[[0.0, 3.0], [4.0, 0.0]]]])  # E|h| is 1 and 4
    optimizer = still(network, hidden_layers(network, x), threshold=0.4)
    events = replaced_units(optimizer)
    step(network, optimizer, x)
    assert [event.units.tolist() for event in events] == [[0]]
    assert events[0].utility.tolist() == pytest.approx([0.4, 1.6])
    assert (network[3].weight == 0).all(0).nonzero().flatten().tolist() == [0, 1, 2, 3]


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body, self.head = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x)[0])


@pytest.mark.parametrize(
    ("build", "x"),
    [
        (Recurrent, torch.zeros(2, 5, 3)),
        (
            lambda: nn.Sequential(nn.TransformerEncoderLayer(8, 2, 12, batch_first=True, dropout=0.0), nn.Linear(8, 1)),
            torch.zeros(2, 4, 8),
        ),
    ],
    ids=["LSTM", "attention"],
)
def test_recurrent_layers_and_attention_are_heard_and_replaced(build, x: Tensor):
    torch.manual_seed(0)
    network = build()
    layers = hidden_layers(network, x)
    optimizer = ReDo(torch.optim.Adam(network.parameters(), lr=1e-3), layers, threshold=0.9, every=2)
    for _ in range(4):
        step(network, optimizer, torch.randn_like(x))
    counts = optimizer.metrics()
    assert layers
    assert all(counts[f"redo/replaced/{layer.name}"] > 0 for layer in layers)
    assert all(torch.isfinite(value).all() for value in numbers(network))


def test_two_adjacent_layers_replaced_at_one_look_do_not_hear_each_other():
    network = mlp()
    optimizer = still(network, hidden_layers(network, torch.zeros(1, 6)), threshold=100.0)
    train(network, optimizer, 1)
    assert (network[2].weight == 0).all()
    assert (network[4].weight == 0).all()


# A host, a network and a stack that change.


def test_a_reader_that_no_longer_runs_is_noticed_at_a_look():
    network = mlp()
    optimizer = still(network, hidden_layers(network, torch.zeros(1, 6)), threshold=0.5)
    with pytest.raises(RuntimeError, match=r"what reads them \(2\) has not run with gradients"):
        optimizer.step()


def test_reattached_layers_are_heard_and_counts_go_on():
    network = mlp()
    optimizer = still(network, hidden_layers(network, torch.zeros(1, 6)), threshold=0.9)
    train(network, optimizer, 1)
    before = optimizer.metrics()["redo/replaced"]
    network[4] = nn.Linear(16, 3)
    optimizer.add_param_group({"params": network[4].parameters()})
    optimizer.reattach(hidden_layers(network, torch.zeros(1, 6)))
    train(network, optimizer, 1)
    assert optimizer.metrics()["redo/replaced"] > before > 0
    optimizer.remove()
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_a_step_between_two_looks_is_replayed_by_counting():
    network = mlp()
    optimizer = still(network, hidden_layers(network, torch.zeros(1, 6)), threshold=0.9, every=3)
    for _ in range(6):
        if optimizer.needs_host():
            train(network, optimizer, 1)
        else:
            optimizer.count_step()
    assert optimizer.metrics()["redo/replaced"] > 0
    assert optimizer.memory["step"] == 6


def test_a_graph_of_a_step_that_looks_is_not_captured(monkeypatch: pytest.MonkeyPatch):
    network = mlp()
    optimizer = still(network, hidden_layers(network, torch.zeros(1, 6)), threshold=0.9, every=2)
    monkeypatch.setattr("plastic_rl.optim.periodic_replacer.is_capturing", lambda: True)
    train(network, optimizer, 1)
    assert optimizer.memory["step"] == 0
    optimizer.count_step()
    with pytest.raises(RuntimeError, match="needs_host"):
        train(network, optimizer, 1)


def test_the_global_random_stream_is_left_alone_and_draws_are_a_function_of_the_seed():
    results = []
    for seed in (0, 0, 1):
        network = mlp()
        state = torch.get_rng_state()
        train(network, still(network, hidden_layers(network, torch.zeros(1, 6)), threshold=0.9, seed=seed), 2)
        assert torch.equal(torch.get_rng_state(), state)
        results.append(numbers(network))
    assert are_equal(results[0], results[1])
    assert not are_equal(results[0], results[2])


# What is said beforehand.


def test_the_forecast_says_when_it_looks_and_that_the_rest_is_the_scores_business():
    network = mlp()
    layers = hidden_layers(network, torch.zeros(1, 6))
    report = forecast(ReDo(torch.optim.SGD(network.parameters(), lr=0.1), layers))
    assert report.line == "ReDo: first look at update 1,000, then as the scores say"
    assert str(report).splitlines()[1] == ("  0      16 units  first look at update 1,000, then as the scores say")


def test_a_stack_of_two_methods_is_forecast_method_by_method():
    network = mlp()
    layers = hidden_layers(network, torch.zeros(1, 6))
    stack = Stack((ReDo, ContinualBackprop))(torch.optim.SGD(network.parameters(), lr=0.1), layers)
    first, second = forecast(stack).line.split("; ")
    assert first.startswith("continual backprop: first replacement at update 10,625, then 0.8 units")
    assert second.startswith("ReDo: first look at update 1,000, then")


def test_settings_under_which_nothing_happens_are_named():
    network = mlp()
    layers, inner = hidden_layers(network, torch.zeros(1, 6)), torch.optim.SGD(network.parameters(), lr=0.1)
    assert list(ReDo(inner, layers, every=0).concerns()) == ["every is 0: no unit is ever looked at."]
    (late,) = ReDo(inner, layers).concerns(999)
    assert late == "The run has 999 updates, and by ReDo nothing is done before update 1,000. Lower every."
    assert list(ReDo(inner, layers).concerns(1000)) == []


@pytest.mark.parametrize("settings", [{"threshold": -0.1}, {"every": -1}, {"activity": "loud"}])
def test_settings_out_of_range_are_refused_before_the_network_is_touched(settings: dict):
    network = mlp()
    layers = hidden_layers(network, torch.zeros(1, 6))
    with pytest.raises(ValueError, match=next(iter(settings))):
        ReDo(torch.optim.SGD(network.parameters(), lr=0.1), layers, **settings)
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_frozen_layers_are_named_once_and_left_alone(caplog: pytest.LogCaptureFixture):
    network = mlp()
    network[0].requires_grad_(False)
    optimizer = still(network, hidden_layers(network, torch.zeros(1, 6)), threshold=0.9)
    with caplog.at_level(logging.WARNING):
        train(network, optimizer, 3)
    assert optimizer.metrics()["redo/replaced/0"] == 0
    assert optimizer.metrics()["redo/replaced/2"] > 0
    assert sum("left alone" in record.message for record in caplog.records) == 1
