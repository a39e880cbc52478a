"""Selective weight reinitialisation: utilities and choices by hand, what becomes of a weight, and what stays."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from plastic_rl.choices import WeightUtility
from plastic_rl.optim import SelectiveWeightReinitialization
from plastic_rl.optim.origin import Origin
from plastic_rl.optim.swr import below_mean, least, utility_of
from tests.optim.networks import are_equal, mlp, numbers, train

W = torch.tensor([[1.0, -2.0], [0.5, 4.0]])
G = torch.tensor([[1.0, 1.0], [2.0, 0.0]])


def test_utilities_by_hand():
    assert torch.equal(utility_of(W, G, WeightUtility.gradient), torch.tensor([[1.0, 2.0], [1.0, 0.0]]))
    assert torch.equal(utility_of(W, G, WeightUtility.magnitude), W.abs())
    assert utility_of(W, None, WeightUtility.gradient) is None


@pytest.mark.parametrize(("factor", "chosen"), [(0.5, [0, 0, 0, 1]), (0.99, [0, 0, 0, 1]), (1.0, [1, 0, 1, 1])])
def test_threshold_pruning_by_hand(factor: float, chosen: list[int]):
    assert below_mean(torch.tensor([1.0, 2.0, 1.0, 0.0]), factor).tolist() == chosen  # the mean is 1


def test_proportional_pruning_by_hand():
    assert least(torch.tensor([[1.0, 2.0], [0.5, 0.0]]), 2).tolist() == [[False, False], [True, True]]
    assert least(torch.tensor([3.0, torch.nan, 1.0]), 1).tolist() == [False, False, True]
    assert not least(torch.tensor([1.0]), 0).any()


def one_weight(**settings) -> tuple[nn.Parameter, SelectiveWeightReinitialization]:
    weight = nn.Parameter(W.clone())
    settings = {"every": 1, "seed": 0, **settings}
    return weight, SelectiveWeightReinitialization(torch.optim.SGD([weight], lr=0.0, momentum=0.9), **settings)


@pytest.mark.parametrize("redraw", ["resample", "mean"])
def test_only_the_chosen_weights_are_drawn_afresh(redraw: str):
    weight, optimizer = one_weight(factor=0.5, redraw=redraw)
    weight.grad = G.clone()
    optimizer.step()
    assert torch.equal(weight.flatten()[:3], W.flatten()[:3])
    assert weight[1, 1] != 4.0
    assert bool(weight[1, 1] == 0) == (redraw == "mean")
    assert optimizer.metrics() == {"swr/drawn": 1}


def test_it_draws_every_so_many_updates():
    weight, optimizer = one_weight(every=3, factor=0.5)
    changed = []
    for _ in range(6):
        weight.grad = G.clone()
        before = weight.detach().clone()
        optimizer.step()
        changed.append(not torch.equal(before, weight))
    assert changed == [False, False, True] * 2


def test_a_share_of_weights_is_right_in_the_long_run():
    weight, optimizer = one_weight(factor=0.375, pruning="proportional", utility="magnitude")  # 1.5 of 4 weights
    counts = []
    for _ in range(200):
        before = optimizer.metrics()["swr/drawn"]
        weight.grad = G.clone()
        optimizer.step()
        counts.append(optimizer.metrics()["swr/drawn"] - before)
    assert set(counts) == {1, 2}
    assert sum(counts) / len(counts) == pytest.approx(1.5, abs=0.1)


@pytest.mark.parametrize("start", [nn.init.kaiming_normal_, nn.init.xavier_uniform_, nn.init.orthogonal_])
def test_fresh_weights_come_from_where_a_weight_started(start):
    torch.manual_seed(0)
    weight = start(torch.empty(64, 100))
    fresh = Origin.of(weight).draw(weight, torch.Generator().manual_seed(0))
    assert fresh.std().item() == pytest.approx(weight.std().item(), rel=0.05)
    assert fresh.abs().max().item() == pytest.approx(weight.abs().max().item(), rel=0.3)


def test_vectors_go_back_to_where_they_started():
    """A norm's scale is no draw around zero: it starts at one, and a bias may start at a constant."""
    for start in (torch.ones(5), torch.zeros(5), torch.full((1,), 0.3)):
        assert Origin.of(start).draw(torch.empty_like(start), torch.Generator()).tolist() == pytest.approx(
            start.tolist()
        )
    drawn = Origin.of(torch.linspace(-0.5, 0.5, 50)).draw(torch.empty(50), torch.Generator().manual_seed(0))
    assert 0.2 < drawn.std() < 0.4
    assert drawn.abs().max() <= 0.55


def test_every_parameter_counts_the_output_layers_too():
    network = nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 2))
    before = numbers(network)
    inner = torch.optim.SGD(network.parameters(), lr=0.05)
    optimizer = SelectiveWeightReinitialization(inner, every=4, factor=100.0, seed=1)
    train(network, optimizer, 4)
    assert optimizer.metrics()["swr/drawn"] == sum(each.numel() for each in network.parameters())
    assert network[1].weight.tolist() == [1.0] * 8
    assert not torch.equal(network[3].weight, before[4])


def test_the_optimisers_state_is_kept():
    weight, optimizer = one_weight(factor=100.0)
    weight.grad = G.clone()
    optimizer.step()
    assert torch.equal(optimizer.state[weight]["momentum_buffer"], G)


def test_what_does_not_train_is_left_alone_whenever_it_was_frozen():
    network = mlp()
    network[0].requires_grad_(False)
    optimizer = SelectiveWeightReinitialization(torch.optim.SGD(network.parameters(), lr=0.0), every=1, factor=100.0)
    network[2].weight.requires_grad_(False)
    before = numbers(network)
    train(network, optimizer, 1)
    assert torch.equal(network[0].weight, before[0])
    assert torch.equal(network[2].weight, before[2])
    assert not torch.equal(network[4].weight, before[4])


def test_a_tensor_without_gradients_is_left_alone():
    weight, optimizer = one_weight(factor=100.0)
    optimizer.step()
    assert torch.equal(weight, W)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_utility_that_is_no_number_chooses_nothing(value: float):
    """One infinite gradient makes the mean infinite, so that all other weights would be below it."""
    utility = torch.tensor([value, 2.0, 1.0, 0.0])
    assert not below_mean(utility, 0.5).any()
    assert least(utility, 2).tolist() == [False, False, True, True]


def test_a_tensor_that_the_loss_does_not_reach_is_left_alone():
    """0 is at most any multiple of a mean of 0: a flat loss would have the whole network drawn afresh."""
    weight, optimizer = one_weight(factor=1.0)
    weight.grad = torch.zeros_like(G)
    optimizer.step()
    assert torch.equal(weight, W)
    assert not below_mean(torch.zeros(3), 1.0).any()


def test_a_resumed_run_draws_from_where_the_first_one_started():
    """The network of the second run starts elsewhere, and larger."""
    network = mlp()
    optimizer = SelectiveWeightReinitialization(torch.optim.Adam(network.parameters()), every=2, factor=0.5, seed=3)
    train(network, optimizer, 3)
    other = mlp(seed=9)
    with torch.no_grad():
        for each in other.parameters():
            each.mul_(5.0)
    again = SelectiveWeightReinitialization(torch.optim.Adam(other.parameters()), every=2, factor=0.5, seed=4)
    other.load_state_dict(network.state_dict())
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for net, each in ((network, optimizer), (other, again)):
        train(net, each, 3, seed=2)
    assert are_equal(numbers(network), numbers(other))
    assert optimizer.metrics() == again.metrics()


def test_a_step_that_draws_nothing_does_nothing_to_any_tensor():
    weight, optimizer = one_weight(every=2)
    version: int = weight._version
    optimizer.after_step()
    assert weight._version == version
    weight.grad = G.clone()
    with torch.no_grad():
        optimizer.after_step()
    assert weight._version > version


@pytest.mark.parametrize(
    "settings", [{"every": -1}, {"factor": -1.0}, {"utility": "age"}, {"pruning": "none"}, {"redraw": "twice"}]
)
def test_settings_out_of_range_are_refused(settings: dict):
    with pytest.raises(ValueError, match=next(iter(settings))):
        one_weight(**settings)
    with pytest.raises(ValueError, match=r"factor must be in \[0, 1\]"):
        one_weight(pruning="proportional", factor=1.5)


def test_draws_are_a_function_of_seed_and_step():
    results: list[Tensor] = []
    for seed in (0, 0, 1):
        weight, optimizer = one_weight(factor=100.0, seed=seed)
        weight.grad = G.clone()
        optimizer.step()
        results.append(weight.detach())
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])
