"""Self-normalised resets: silences, percentiles and thresholds by hand, and beside the algorithm in plain Python."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn

from plastic_rl.forecast import forecast
from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.optim import SelfNormalizedResets, UnitsReplaced
from plastic_rl.optim.snr import percentile, recalibrated
from tests.optim.networks import are_equal, mlp, numbers, step, train

FIRES, IS_SILENT = 1.0, -1.0


def eye(units: int = 2) -> nn.Sequential:
    """Units that fire where their own input is positive."""
    network = nn.Sequential(nn.Linear(units, units), nn.ReLU(), nn.Linear(units, 1))
    with torch.no_grad():
        network[0].weight.copy_(torch.eye(units))
        network[0].bias.zero_()
        network[2].weight.fill_(1.0)
    return network


def still(network: nn.Module, layers: list[HiddenLayer] | None = None, **settings) -> SelfNormalizedResets:
    """The method around an optimiser that moves nothing; newborn units fire as those before them did."""
    settings = {"seed": 0, "initialiser": identical, **settings}
    layers = layers or [HiddenLayer("hidden", network[0], [network[2]])]
    return SelfNormalizedResets(torch.optim.SGD(network.parameters(), lr=0.0), layers, **settings)


def identical(tensor: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """A fresh row of the first unit of :func:`eye`."""
    return tensor.zero_().index_fill_(1, torch.tensor([0]), 1.0)


def fire(network: nn.Module, optimizer: SelfNormalizedResets, *pattern: float) -> None:
    step(network, optimizer, torch.tensor([pattern]))


def test_percentiles_by_hand():
    histogram = torch.zeros(4, 6, dtype=torch.int32)
    histogram[0, :] = torch.tensor([9, 1, 1, 1, 1, 0])  # silences of 1, 2, 3 and 4 updates; those of 0 do not count
    histogram[1, 5] = 3
    histogram[2, 1], histogram[2, 5] = 19, 1  # 19 of 20 are exactly 0.95
    assert percentile(histogram, 0.95).tolist() == [4, 5, 1, 1]
    assert percentile(histogram, 0.5).tolist() == [2, 5, 1, 1]
    assert percentile(histogram, 1.0).tolist() == [4, 5, 5, 1]


def test_thresholds_contract_to_the_percentile_and_expand_where_it_is_not_below():
    threshold, gap = torch.tensor([10.0, 10.0, 10.0, 60.0, 1.0]), torch.tensor([3, 10, 12, 80, 1])
    assert recalibrated(threshold, gap, 2.0, 100).tolist() == [3.0, 20.0, 20.0, 100.0, 2.0]


def test_a_unit_is_replaced_once_it_is_silent_for_as_long_as_its_threshold():
    network = eye()
    optimizer = still(network, max_threshold=3)
    events: list[UnitsReplaced] = []
    optimizer.on_replacement(events.append)
    for _ in range(3):
        fire(network, optimizer, FIRES, IS_SILENT)
        assert len(events) == (optimizer.memory["step"] == 3)
    assert events[0].units.tolist() == [1]
    assert events[0].utility.tolist() == [0.0, 3.0]
    assert (network[2].weight == 0).tolist() == [[False, True]]
    assert optimizer.watched[0].silence.tolist() == [0, 0]
    assert optimizer.watched[0].histogram[1].tolist() == [0, 0, 0, 1]  # a silence that a reset ends counts as one
    assert optimizer.metrics()["snr/replaced"] == 1


def test_a_silence_that_ends_is_noted_and_begins_anew():
    network = eye()
    optimizer = still(network, max_threshold=9)
    for pattern in ((1, 1), (1, -1), (1, -1), (1, 1), (1, -1)):
        fire(network, optimizer, *map(float, pattern))
    (watched,) = optimizer.watched
    assert watched.silence.tolist() == [0, 1]
    assert watched.histogram[0].tolist() == [5, *[0] * 9]
    assert watched.histogram[1].tolist() == [1, 0, 1, *[0] * 7]


def by_hand(patterns: list[list[bool]], share: float, largest: int, every: int) -> tuple[list[list[int]], list[float]]:
    """The algorithm in plain Python, of units that fire as given: who is reset when, and the thresholds at the end."""
    units = len(patterns[0])
    silence, threshold = [0] * units, [float(largest)] * units
    gaps: list[list[int]] = [[] for _ in range(units)]
    resets = []
    for number, pattern in enumerate(patterns, start=1):
        due = []
        for unit, fires in enumerate(pattern):
            if fires:
                gaps[unit].append(silence[unit])
                silence[unit] = 0
            else:
                silence[unit] += 1
            if silence[unit] >= threshold[unit]:
                gaps[unit].append(silence[unit])
                silence[unit] = 0
                due.append(unit)
        resets.append(due)
        if number % every == 0:
            for unit in range(units):
                lived = sorted(gap for gap in gaps[unit] if gap)
                needed = [gap for gap in lived if sum(each <= gap for each in lived) >= share * len(lived) - 1e-9]
                gap = needed[0] if needed else 1
                threshold[unit] = gap if gap < threshold[unit] else 2 * threshold[unit]
                threshold[unit] = min(max(threshold[unit], 1), largest)
                gaps[unit] = []
    return resets, threshold


def test_two_hundred_updates_are_those_of_the_algorithm():
    generator = torch.Generator().manual_seed(0)
    patterns = (torch.rand(200, 4, generator=generator) < torch.tensor([0.95, 0.7, 0.4, 0.15])).tolist()
    resets, thresholds = by_hand(patterns, 0.9, 12, 25)
    network = eye(4)
    # Whatever a reset draws: what the units are said to answer is written into what they read.
    network[0].register_forward_hook(lambda _, inputs, __: inputs[0] + 0 * network[0].weight.sum())
    optimizer = still(network, max_threshold=12, rejection_threshold=0.1, recalibrate_every=25)
    seen: list[list[int]] = []
    optimizer.on_replacement(lambda event: seen[-1].extend(event.units.tolist()))
    for pattern in patterns:
        seen.append([])
        fire(network, optimizer, *(FIRES if fires else IS_SILENT for fires in pattern))
    assert seen == resets
    assert optimizer.watched[0].threshold.tolist() == thresholds
    assert sum(map(len, resets)) > 10
    assert len(set(thresholds)) > 2


def test_one_positive_sample_place_and_pass_is_enough():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(8, 1))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1))
        network[0].bias.zero_()
    layers = hidden_layers(network, torch.zeros(1, 1, 2, 2))
    optimizer = SelfNormalizedResets(torch.optim.SGD(network.parameters(), lr=0.0), layers)
    quiet = torch.zeros(3, 1, 2, 2)
    step(network, optimizer, quiet)
    assert optimizer.watched[0].silence.tolist() == [1, 1]
    loud = quiet.clone()
    loud[2, 0, 1, 0] = 1.0
    network(loud)
    network(quiet)
    optimizer.step()
    assert optimizer.watched[0].silence.tolist() == [0, 2]
    with torch.no_grad():
        network(-loud)
    step(network, optimizer, quiet)
    assert optimizer.watched[0].silence.tolist() == [1, 3]  # acting does not count


def test_a_single_sample_without_a_batch_is_one_sample():
    network = eye()
    optimizer = still(network, max_threshold=9)
    network(torch.tensor([FIRES, IS_SILENT]))
    optimizer.step()
    assert optimizer.watched[0].silence.tolist() == [0, 1]


def test_a_copy_goes_on_by_itself():
    """The units of all layers are kept together; those of a copy must be, too, and apart from the first."""
    network = mlp()
    optimizer = SelfNormalizedResets(
        torch.optim.SGD(network.parameters(), lr=0.01),
        hidden_layers(network, torch.zeros(1, 6)),
        max_threshold=2,
        recalibrate_every=3,
    )
    train(network, optimizer, 4, batch=2)
    for again, other in (copy.deepcopy((network, optimizer)), pickle.loads(pickle.dumps((network, optimizer)))):
        before = [watched.silence.clone() for watched in optimizer.watched]
        train(again, other, 6, batch=2, seed=2)
        assert are_equal(before, [watched.silence for watched in optimizer.watched])
        whole, apart = other.joint[0].tensors[0], [watched.silence for watched in other.watched]
        assert torch.equal(whole, torch.cat(apart))


def test_tests_may_be_rarer_than_updates_and_hear_all_of_them():
    network = eye()
    optimizer = still(network, max_threshold=3, every=5)
    due = []
    for _ in range(10):
        due.append(optimizer.falls_due())
        fire(network, optimizer, FIRES, IS_SILENT)
    assert due == [False, False, False, False, True] * 2
    assert optimizer.watched[0].birth.tolist() == [0, 5]
    assert optimizer.metrics()["snr/replaced"] == 1  # the newborn one fires


def test_thresholds_change_at_the_first_test_after_they_are_due():
    network = eye()
    optimizer = still(network, max_threshold=8, every=4, recalibrate_every=6)
    seen = []
    for _ in range(12):
        fire(network, optimizer, FIRES, FIRES)
        seen.append(optimizer.watched[0].threshold.tolist())
    assert seen == [[8.0, 8.0]] * 7 + [[1.0, 1.0]] * 4 + [[2.0, 2.0]]  # due after 6 and 12, done after 8 and 12


class TwoHeads(nn.Module):
    """A trunk for each of two heads, of which one runs at a time."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.trunks = nn.ModuleList(nn.Linear(2, 4) for _ in "ab")
        self.heads = nn.ModuleList(nn.Linear(4, 1) for _ in "ab")
        self.head = 0

    def forward(self, x: Tensor) -> Tensor:
        return self.heads[self.head](self.trunks[self.head](x).relu())


def test_a_head_may_rest_for_a_while_and_its_units_do_not_grow_silent():
    network = TwoHeads()
    layers = [HiddenLayer(f"{place}", network.trunks[place], [network.heads[place]]) for place in (0, 1)]
    optimizer = SelfNormalizedResets(torch.optim.SGD(network.parameters(), lr=0.0), layers, max_threshold=4)
    for _ in range(3):
        step(network, optimizer, torch.ones(1, 2))
    assert optimizer.watched[1].silence.tolist() == [0] * 4
    network.head = 1
    step(network, optimizer, torch.ones(1, 2))
    network.head = 0
    for _ in range(4):
        step(network, optimizer, torch.ones(1, 2))
    with pytest.raises(RuntimeError, match="units of `1` are due, but what reads them"):
        step(network, optimizer, torch.ones(1, 2))


def test_an_activation_that_is_no_number_is_no_firing():
    network = eye()
    optimizer = still(network, max_threshold=5)
    network(torch.tensor([[float("nan"), 1.0]]))
    optimizer.step()
    assert optimizer.watched[0].silence.tolist() == [1, 1]  # not a number times zero is not a number
    assert (optimizer.watched[0].threshold == 5).all()


def test_newborn_units_are_silent_and_forgotten():
    network = mlp()
    inner = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    optimizer = SelfNormalizedResets(inner, hidden_layers(network, torch.zeros(1, 6)), max_threshold=1)
    events: list[UnitsReplaced] = []
    optimizer.on_replacement(events.append)
    while not events:
        train(network, optimizer, 1, batch=2)
    for event in events:
        for port in event.layer.read_by:
            assert (port.parameter[:, event.units] == 0).all()
            assert (inner.state[port.parameter]["momentum_buffer"][:, event.units] == 0).all()


def test_a_layer_that_never_fires_is_replaced_as_a_whole():
    network = eye()
    optimizer = still(network, max_threshold=2)
    for _ in range(2):
        fire(network, optimizer, IS_SILENT, IS_SILENT)
    assert optimizer.metrics()["snr/replaced"] == 2


def test_reattached_layers_go_on_with_their_silences_and_thresholds():
    network = mlp()
    settings = {"max_threshold": 3, "recalibrate_every": 4, "seed": 1}
    layers = hidden_layers(network, torch.zeros(1, 6))
    optimizer = SelfNormalizedResets(torch.optim.SGD(network.parameters(), lr=0.01), layers, **settings)
    train(network, optimizer, 7, batch=2)
    before = [copy.deepcopy(watched.tensors()) for watched in optimizer.watched]
    assert any((threshold < 3).any() for *_, threshold in before)
    optimizer.reattach(hidden_layers(network, torch.zeros(1, 6)))
    for old, watched in zip(before, optimizer.watched, strict=True):
        torch.testing.assert_close(watched.tensors(), old, atol=0, rtol=0)
    network[4] = nn.Linear(16, 2)
    network[2] = nn.Linear(16, 16)
    optimizer.add_param_group({"params": [*network[2].parameters(), *network[4].parameters()]})
    optimizer.reattach(hidden_layers(network, torch.zeros(1, 6)))
    train(network, optimizer, 3, batch=2)


def test_nothing_is_heard_when_it_is_off():
    network = mlp()
    layers = hidden_layers(network, torch.zeros(1, 6))
    optimizer = SelfNormalizedResets(torch.optim.SGD(network.parameters(), lr=0.1), layers, every=0)
    network(torch.ones(2, 6))
    assert all(recorder.peak is None for watched in optimizer.watched for recorder in watched.recorders)
    before = numbers(network)
    optimizer.step()
    assert are_equal(before, numbers(network))


def test_what_is_said_beforehand():
    network = mlp()
    layers, inner = hidden_layers(network, torch.zeros(1, 6)), torch.optim.SGD(network.parameters(), lr=0.1)
    report = forecast(SelfNormalizedResets(inner, layers, every=30), run_length=200)
    assert report.line.startswith("self-normalised resets: first look at update 210, then as the scores say. ")
    assert report.warnings == [
        "The run has 200 updates, and by self-normalised resets nothing is done before update 210. Lower max_threshold."
    ]


@pytest.mark.parametrize(
    "settings",
    [{"rejection_threshold": 1.5}, {"max_threshold": 0}, {"recalibrate_every": 0}, {"expansion": 0.5}, {"every": -1}],
)
def test_settings_out_of_range_are_refused(settings: dict):
    with pytest.raises(ValueError, match=next(iter(settings))):
        still(eye(), **settings)
