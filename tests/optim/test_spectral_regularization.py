"""Spectral regularisation: by hand, beside automatic differentiation through the singular value decomposition."""

import pytest
import torch
from torch import nn

from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.optim import SpectralRegularization
from plastic_rl.optim.spectral_regularization import power_iteration, pull, pull_of_vector


def still(network, layers=(), **settings):
    return SpectralRegularization(torch.optim.SGD(network.parameters(), lr=0.0), layers, **settings)


def slopes(network, optimizer):
    optimizer.zero_grad()
    return [None if each.grad is None else each.grad for each in network.parameters()]


def penalty(network, k):
    """The paper's sum, by the exact singular value of each weight."""
    total = torch.zeros(())
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            sigma = torch.linalg.svdvals(module.weight.flatten(1))[0]
            total = total + (sigma**k - 1) ** 2 + module.bias.square().sum() ** k
        elif isinstance(module, nn.LayerNorm):
            total = total + (module.weight - 1).square().sum() + module.bias.square().sum() ** k
    return total


def test_a_diagonal_weight_by_hand():
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, 0.0], [0.0, 0.5]]))
        layer.bias.copy_(torch.tensor([1.0, -2.0]))
    weight, bias = slopes(layer, still(layer, strength=0.1, k=2))
    # 2 k (σ^k - 1) σ^(k-1) = 4 · 8 · 3 at the entry of the largest singular value; 4 ‖b‖² b
    torch.testing.assert_close(weight, torch.tensor([[0.1 * 96, 0.0], [0.0, 0.0]]), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(bias, 0.1 * 20 * torch.tensor([1.0, -2.0]))


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_pull_is_the_gradient_of_the_papers_sum(k):
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 5), nn.LayerNorm(5), nn.Linear(5, 3)
    )
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    layers = hidden_layers(network, torch.zeros(1, 2, 4, 4))
    optimizer = still(network, layers, strength=0.2, k=k)
    for _ in range(100):  # one step of power iteration each time
        optimizer.zero_grad()
    expected = torch.autograd.grad(0.2 * penalty(network, k), list(network.parameters()))
    for found, slope in zip(slopes(network, optimizer), expected, strict=True):
        torch.testing.assert_close(found, slope, atol=1e-4, rtol=1e-3)


def test_one_step_of_power_iteration_an_update_keeps_up_with_weights_that_move():
    torch.manual_seed(1)
    layer = nn.Linear(20, 30)
    optimizer = SpectralRegularization(torch.optim.SGD(layer.parameters(), lr=1.0), strength=0.02)
    with torch.no_grad():
        layer.weight.mul_(3)
    assert torch.linalg.svdvals(layer.weight.detach())[0].item() > 3
    for _ in range(1000):
        optimizer.zero_grad()
        optimizer.step()
    assert torch.linalg.svdvals(layer.weight.detach())[0].item() == pytest.approx(1, abs=0.03)


def test_each_gate_of_a_recurrent_layer_is_a_weight_of_its_own():
    layer = nn.LSTM(3, 2)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.weight_ih_l0[:2, :2] = torch.diag(torch.tensor([2.0, 0.1]))
        layer.weight_ih_l0[6:, :2] = torch.diag(torch.tensor([0.1, 3.0]))
    optimizer = still(layer, [HiddenLayer("hidden", layer, [nn.Linear(2, 1)])], strength=1.0)
    optimizer.zero_grad()
    slope = layer.weight_ih_l0.grad
    assert slope is not None
    assert slope[0, 0].item() == pytest.approx(4 * 3 * 2, rel=1e-4)
    assert slope[7, 1].item() == pytest.approx(4 * 8 * 3, rel=1e-4)


def test_a_weight_of_zeros_stays_and_is_followed_again_once_it_is_none():
    layer = nn.Linear(3, 2)
    optimizer = still(layer, strength=1.0)
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.zero_()
    assert all(torch.equal(slope, torch.zeros_like(slope)) for slope in slopes(layer, optimizer))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    assert slopes(layer, optimizer)[0][0, 0].item() == pytest.approx(4 * 3 * 2, rel=1e-4)


def test_vectors_are_not_nan_at_zero():
    assert torch.equal(pull_of_vector(torch.zeros(3), 2), torch.zeros(3))
    zero, direction = torch.zeros(1, 2, 3), torch.eye(3)[:1]
    assert torch.equal(power_iteration(zero, direction), direction)
    assert torch.isfinite(pull(zero, direction, 1)).all()


def test_norms_need_layers_to_be_known_and_frozen_parameters_are_left_alone():
    network = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.ReLU(), nn.Linear(4, 2))
    with torch.no_grad():
        network[1].weight.fill_(3.0)
    assert slopes(network, still(network, strength=1.0))[2] is None
    optimizer = still(network, hidden_layers(network, torch.zeros(1, 3)), strength=1.0)
    network[0].weight.requires_grad_(False)
    network[0].weight.grad = None
    found = slopes(network, optimizer)
    assert found[0] is None
    assert found[2].tolist() == [4.0] * 4


def test_layers_found_anew_keep_the_directions_of_known_weights():
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    optimizer = still(network)
    known = optimizer.memory["directions"][0]
    network[2] = nn.Linear(4, 2)
    optimizer.add_param_group({"params": list(network[2].parameters())})
    optimizer.reattach(hidden_layers(network, torch.zeros(1, 3)))
    assert optimizer.memory["directions"][0] is known
    assert slopes(network, optimizer)[2] is not None


@pytest.mark.parametrize("settings", [{"strength": -1.0}, {"k": 0}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        still(nn.Linear(1, 1), **settings)
