"""NaP by hand, and what a projection must not break."""

import pytest
import torch
from torch import nn

from plastic_rl.layers import hidden_layers
from plastic_rl.optim import ContinualBackprop, NormalizeAndProject, Stack
from tests.optim.networks import train


def normed():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 4), nn.LayerNorm(4), nn.ReLU(), nn.Linear(4, 2))


def still(network, **settings):
    layers = hidden_layers(network, torch.zeros(1, 6))
    return NormalizeAndProject(torch.optim.SGD(network.parameters(), lr=0.0), layers, **settings)


def test_a_weight_goes_back_to_its_initial_size_and_keeps_its_direction():
    network = normed()
    start = network[0].weight.detach().clone()
    optimizer = still(network)
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[3.0, 4.0, 0, 0, 0, 0]] + [[0.0] * 6] * 3))
        network[3].weight.mul_(0.1)
        network[0].bias.fill_(7.0)
    optimizer.step()
    assert network[0].weight[0, :2].tolist() == pytest.approx([0.6 * start.norm().item(), 0.8 * start.norm().item()])
    assert (network[0].weight[1:] == 0).all()
    assert (network[0].bias == 7).all()


def test_gains_and_offsets_are_projected_together():
    network = normed()
    optimizer = still(network)
    with torch.no_grad():
        network[1].weight.copy_(torch.tensor([3.0, 0.0, 0.0, 0.0]))
        network[1].bias.copy_(torch.tensor([0.0, 4.0, 0.0, 0.0]))
    optimizer.step()
    assert network[1].weight.tolist() == pytest.approx([2 * 0.6, 0, 0, 0])  # √4 = 2
    assert network[1].bias.tolist() == pytest.approx([0, 2 * 0.8, 0, 0])


def test_what_a_network_with_norms_computes_is_not_changed_by_the_projection():
    network, x = normed(), torch.randn(5, 6)
    with torch.no_grad():
        network[0].bias.zero_()
        before = network(x)
        network[0].weight.mul_(3)  # far from its epsilon a norm does not see this
        optimizer = still(network)
        network[0].weight.mul_(5)
        optimizer.step()
        torch.testing.assert_close(network(x), before, atol=1e-3, rtol=1e-3)


def test_a_weight_drawn_as_zeros_may_grow_and_one_set_to_zeros_is_no_nan():
    network = normed()
    with torch.no_grad():
        network[3].weight.zero_()
    optimizer = still(network)
    with torch.no_grad():
        network[3].weight.fill_(2.0)
        network[0].weight.zero_()
    optimizer.step()
    assert (network[3].weight == 2).all()
    assert (network[0].weight == 0).all()


def test_at_an_interval_it_projects_then_alone():
    network = normed()
    optimizer, sizes = still(network, every=3), []
    start = network[0].weight.norm().item()
    for _ in range(6):
        with torch.no_grad():
            network[0].weight.mul_(2)
        optimizer.step()
        sizes.append(network[0].weight.norm().item() / start)
    assert sizes == pytest.approx([2, 4, 1, 2, 4, 1])


def test_what_is_frozen_is_left_alone():
    network = normed()
    optimizer = still(network)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3)
    network[0].weight.requires_grad_(False)
    network[1].weight.requires_grad_(False)
    before = [each.detach().clone() for each in network.parameters()]
    optimizer.step()
    same = [torch.equal(now, then) for now, then in zip(network.parameters(), before, strict=True)]
    assert same == [True, True, True, True, False, True]  # a norm whose gains are frozen is not projected in parts


def test_it_says_when_there_is_nothing_that_normalises():
    plain = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2))
    (concern,) = still(plain).concerns()
    assert "normalisation layer" in concern
    bare = nn.Sequential(nn.Linear(6, 4), nn.LayerNorm(4, elementwise_affine=False), nn.ReLU(), nn.Linear(4, 2))
    assert [list(still(network).concerns()) for network in (normed(), bare)] == [[], []]


def test_layers_found_anew_keep_the_sizes_of_known_weights():
    network = normed()
    optimizer = still(network)
    known = network[0].weight.norm().item()
    with torch.no_grad():
        network[0].weight.mul_(4)
    network[3] = nn.Linear(4, 3)
    optimizer.add_param_group({"params": list(network[3].parameters())})
    optimizer.reattach(hidden_layers(network, torch.zeros(1, 6)))
    optimizer.step()
    assert network[0].weight.norm().item() == pytest.approx(known)


def test_newborn_units_stay_silent_either_way_round():
    for order in (0, 1):
        network = normed()
        both = [
            NormalizeAndProject,
            lambda optimizer, layers=(): ContinualBackprop(
                optimizer, layers, replacement_rate=0.5, maturity_threshold=1, seed=1
            ),
        ]
        stack = Stack(both[::-1] if order else both)
        optimizer = stack(torch.optim.SGD(network.parameters(), lr=0.0), hidden_layers(network, torch.zeros(1, 6)))
        train(network, optimizer, 4)
        assert (network[3].weight == 0).all(0).any()


def test_an_interval_that_is_none_is_refused():
    with pytest.raises(ValueError, match="every"):
        still(normed(), every=-1)
