"""Parseval in the loss and AdamO beside it: by hand, by automatic differentiation, and by what they come to."""

import pytest
import torch
from torch import nn

from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.optim import Isometry
from plastic_rl.optim.isometry import deviation, pull


def three_layers():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2))


def found(network, inputs=3):
    return hidden_layers(network, torch.zeros(1, inputs))


def gradients(network, optimizer):
    optimizer.zero_grad()
    return [each.grad for each in network.parameters()]


def test_a_diagonal_weight_by_hand():
    weight = torch.tensor([[[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    assert deviation(weight, 2.0).item() == (4 - 2) ** 2 + (1 - 2) ** 2
    assert pull(weight, 2.0).tolist() == [[[4 * (4 - 2) * 2.0, 0, 0], [0, 4 * (1 - 2) * 1.0, 0]]]


@pytest.mark.parametrize("shape", [(1, 3, 5), (1, 5, 3), (3, 4, 4)])
def test_the_pull_is_the_gradient_of_the_papers_term(shape):
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(1), requires_grad=True)
    identity = torch.eye(shape[1])
    (expected,) = torch.autograd.grad((weight @ weight.mT - 1.5 * identity).square().sum(), weight)
    torch.testing.assert_close(pull(weight.detach(), 1.5), expected)
    (same,) = torch.autograd.grad(deviation(weight, 1.5), weight)  # where it is taller, less by a constant
    torch.testing.assert_close(same, expected, atol=1e-5, rtol=1e-5)


def test_in_the_loss_it_is_parseval_of_hidden_weights_by_their_width():
    network = three_layers()
    optimizer = Isometry(torch.optim.SGD(network.parameters(), lr=0.1), found(network), strength=0.01, scale=2.0)
    total = torch.zeros(())
    for layer in (network[0], network[2]):
        gram = layer.weight @ layer.weight.T - 2 * torch.eye(layer.out_features)
        total = total + 0.01 * (64 / layer.out_features) ** 2 * gram.square().sum()
    weights = [network[0].weight, network[2].weight]
    expected = torch.autograd.grad(total, weights)
    slopes = gradients(network, optimizer)
    torch.testing.assert_close((slopes[0], slopes[2]), expected, atol=1e-4, rtol=1e-4)
    assert [slope is None for slope in slopes] == [False, True, False, True, True, True]


def test_decoupled_it_steps_beside_adam_from_the_weights_before():
    network, plain = three_layers(), three_layers()
    start = network[0].weight.detach().clone()
    optimizer = Isometry(
        torch.optim.Adam(network.parameters(), lr=0.1),
        found(network),
        strength=0.5,
        scale=1.0,
        decoupled=True,
        reference_width=0,
    )
    other = torch.optim.Adam(plain.parameters(), lr=0.1)
    for each, one in ((network, optimizer), (plain, other)):
        one.zero_grad()
        each(torch.ones(2, 3)).sum().backward()
        one.step()
    slope = 4 * (start @ start.T - torch.eye(5)) @ start
    torch.testing.assert_close(network[0].weight - plain[0].weight, -0.1 * 0.5 * slope, atol=1e-6, rtol=1e-5)
    assert torch.equal(network[4].weight, plain[4].weight)
    assert torch.equal(network[0].bias, plain[0].bias)
    for one, two in zip(network.parameters(), plain.parameters(), strict=True):  # moments know the loss alone
        assert torch.equal(optimizer.state[one]["exp_avg"], other.state[two]["exp_avg"])


@pytest.mark.parametrize("decoupled", [False, True])
def test_singular_values_come_to_the_root_of_the_scale(decoupled):
    network = three_layers()
    optimizer = Isometry(
        torch.optim.SGD(network.parameters(), lr=0.05),
        found(network),
        strength=1.0,
        scale=2.0,
        decoupled=decoupled,
        reference_width=0,
    )
    for _ in range(200):
        optimizer.zero_grad()
        optimizer.step()
    values = torch.cat([torch.linalg.svdvals(network[place].weight.detach()) for place in (0, 2)])
    torch.testing.assert_close(values, torch.full_like(values, 2**0.5), atol=1e-3, rtol=1e-3)
    assert optimizer.metrics()["isometry/deviation"] == pytest.approx(0, abs=1e-4)


def test_convolutions_have_a_row_for_each_output_and_groups_count_alone():
    layer = nn.Conv2d(4, 6, 3, groups=2)
    hand = [HiddenLayer("hidden", layer, [nn.Linear(6, 1)])]
    optimizer = Isometry(torch.optim.SGD(layer.parameters(), lr=0.1), hand, strength=1.0, reference_width=0)
    rows = layer.weight.flatten(1)
    terms = [(part @ part.T - 2 * torch.eye(3)).square().sum() for part in rows.split(3)]
    (expected,) = torch.autograd.grad(torch.stack(terms).sum(), layer.weight)
    torch.testing.assert_close(gradients(layer, optimizer)[0], expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("strength", [0.0, 0.015, 0.02, 10.0])
def test_a_strength_at_which_weights_diverge_is_a_concern(strength):
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    nn.init.orthogonal_(network[0].weight, gain=1.3)  # a little off 2 ** 0.5
    optimizer = Isometry(
        torch.optim.SGD(network.parameters(), lr=0.03), found(network), strength=strength, decoupled=True
    )
    complaints = list(optimizer.concerns())
    before = optimizer.metrics()["isometry/deviation"]
    for _ in range(5):
        optimizer.step()
    diverges = not optimizer.metrics()["isometry/deviation"] <= before
    assert bool(complaints) is diverges
    assert all("reference_width=64" in line for line in complaints)


def test_what_is_frozen_is_left_alone():
    network = three_layers()
    optimizer = Isometry(torch.optim.SGD(network.parameters(), lr=0.1), found(network), decoupled=True, strength=1.0)
    network[0].weight.requires_grad_(False)
    before = network[0].weight.clone()
    optimizer.step()
    assert torch.equal(network[0].weight, before)


def test_without_layers_it_is_refused():
    with pytest.raises(ValueError, match="hidden_layers"):
        Isometry(torch.optim.SGD(three_layers().parameters(), lr=0.1))


@pytest.mark.parametrize("settings", [{"strength": -1.0}, {"scale": -1.0}, {"reference_width": -1}])
def test_settings_out_of_range_are_refused(settings):
    network = three_layers()
    with pytest.raises(ValueError, match=next(iter(settings))):
        Isometry(torch.optim.SGD(network.parameters(), lr=0.1), found(network), **settings)
