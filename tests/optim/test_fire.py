"""FIRE: the nearest isometry by the singular value decomposition, for every kind of weight, when it is time."""

import pytest
import torch
from torch import nn

from plastic_rl.layers import HiddenLayer, hidden_layers, linear_maps
from plastic_rl.optim import FIRE, ContinualBackprop
from plastic_rl.optim.fire import isometric, newton_schulz


def polar(weight):
    """U Vᵀ of the singular value decomposition: the isometry that is nearest in the Frobenius norm."""
    u, _, vh = torch.linalg.svd(weight, full_matrices=False)
    return u @ vh


def well_conditioned(*shape):
    """Singular values between 1 and 2, so that ten iterations are enough."""
    drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
    u, s, vh = torch.linalg.svd(drawn, full_matrices=False)
    return u @ torch.diag_embed(1 + s / s.amax(-1, keepdim=True)) @ vh


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 4, 6)])
def test_ten_iterations_find_the_nearest_isometry(shape):
    weight = well_conditioned(*shape)
    torch.testing.assert_close(newton_schulz(weight, 10), polar(weight), atol=1e-5, rtol=1e-5)


def test_one_iteration_by_hand():
    """diag(3, 4) / 5 has 0.6 and 0.8: 1.5 · 0.6 - 0.5 · 0.6³ and the same of 0.8, by Newton and Schulz's cubic."""
    found = newton_schulz(torch.diag(torch.tensor([3.0, 4.0])), 1)
    torch.testing.assert_close(found, torch.diag(torch.tensor([0.792, 0.944])))


def test_more_iterations_bring_the_smallest_singular_values_to_one():
    values = torch.linalg.svdvals(newton_schulz(torch.randn(20, 20, generator=torch.Generator().manual_seed(1)), 30))
    torch.testing.assert_close(values, torch.ones(20), atol=1e-4, rtol=0)


def test_a_linear_layer_is_scaled_by_its_shape():
    layer = nn.Linear(3, 12)
    with torch.no_grad():
        layer.weight.copy_(well_conditioned(12, 3))
        layer.bias.fill_(7.0)
    expected = 2 * polar(layer.weight.detach())  # √(12 / 3)
    FIRE(torch.optim.SGD(layer.parameters(), lr=0.1)).orthogonalize()
    torch.testing.assert_close(layer.weight.detach(), expected, atol=1e-5, rtol=1e-5)
    assert (layer.bias == 7).all()


def test_each_position_of_a_kernel_is_orthogonalised_alone_and_divided_by_their_number():
    layer = nn.Conv2d(2, 8, (2, 3))
    with torch.no_grad():
        layer.weight.copy_(well_conditioned(2, 3, 8, 2).permute(2, 3, 0, 1))
    start = layer.weight.detach().clone()
    FIRE(torch.optim.SGD(layer.parameters(), lr=0.1)).orthogonalize()
    for row in range(2):
        for column in range(3):
            expected = 2 / 6 * polar(start[:, :, row, column])
            torch.testing.assert_close(layer.weight[:, :, row, column], expected, atol=1e-5, rtol=1e-5)


def test_queries_keys_and_values_count_alone():
    layer = nn.MultiheadAttention(4, 2)
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.cat([well_conditioned(4, 4), 3 * torch.eye(4), -torch.eye(4)]))
    hand = [HiddenLayer("hidden", nn.Linear(4, 4), [layer])]
    FIRE(torch.optim.SGD(layer.parameters(), lr=0.1), hand).orthogonalize()
    torch.testing.assert_close(layer.in_proj_weight[4:8], torch.eye(4), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(layer.in_proj_weight[8:], -torch.eye(4), atol=1e-5, rtol=1e-5)


def test_a_transposed_convolution_maps_its_inputs_to_its_outputs():
    layer = nn.ConvTranspose1d(8, 2, 3)
    (linear,) = linear_maps(layer.parameters(), [HiddenLayer("hidden", layer, [nn.Linear(2, 1)])])
    found = isometric(linear, 30)[0, :, :, 0]
    assert found.shape == (2, 8)
    torch.testing.assert_close(found @ found.T, torch.eye(2) * (0.5 / 3) ** 2, atol=1e-5, rtol=1e-3)


def test_a_weight_of_zeros_stays_and_half_precision_is_no_trouble():
    zero, half = nn.Linear(3, 2), nn.Linear(3, 3, dtype=torch.bfloat16)
    with torch.no_grad():
        zero.weight.zero_()
        half.weight.copy_(5 * torch.eye(3))
    FIRE(torch.optim.SGD([*zero.parameters(), *half.parameters()], lr=0.1)).orthogonalize()
    assert (zero.weight == 0).all()
    torch.testing.assert_close(half.weight.float(), torch.eye(3), atol=1e-2, rtol=1e-2)


def test_it_acts_when_it_is_time_and_leaves_what_is_frozen():
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    network[2].weight.requires_grad_(False)
    start = [each.detach().clone() for each in network.parameters()]
    optimizer = FIRE(torch.optim.SGD(network.parameters(), lr=0.0), every=3)
    seen = []
    for _ in range(3):
        optimizer.step()
        seen.append(torch.equal(network[0].weight, start[0]))
    assert seen == [True, True, False]
    optimizer.begin_task()
    assert optimizer.metrics()["fire/times"] == 2
    same = [torch.equal(now, then) for now, then in zip(network.parameters(), start, strict=True)]
    assert same == [False, True, True, True]


def test_it_gives_back_rank_and_keeps_as_much_as_it_can():
    drawn = torch.Generator().manual_seed(2)
    layer = nn.Linear(16, 16)
    with torch.no_grad():  # a weight that has all but collapsed to four directions
        u, _, vh = torch.linalg.svd(torch.randn(16, 16, generator=drawn))
        layer.weight.copy_(u @ torch.diag(torch.tensor([3.0] * 4 + [0.2] * 12)) @ vh)
    start = layer.weight.detach().clone()
    FIRE(torch.optim.SGD(layer.parameters(), lr=0.1)).orthogonalize()
    values = torch.linalg.svdvals(layer.weight.detach())
    assert values.min() > 0.9
    torch.testing.assert_close(layer.weight.detach(), polar(start), atol=0.1, rtol=0.1)


def test_layers_found_anew_are_orthogonalised():
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    optimizer = FIRE(torch.optim.SGD(network.parameters(), lr=0.0))
    network[2] = nn.Linear(4, 4)
    optimizer.add_param_group({"params": list(network[2].parameters())})
    optimizer.reattach(hidden_layers(network, torch.zeros(1, 3)))
    optimizer.orthogonalize()
    assert torch.linalg.svdvals(network[2].weight.detach())[0].item() == pytest.approx(1, abs=0.01)


def test_it_goes_with_continual_backprop():
    network = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
    layers = hidden_layers(network, torch.zeros(1, 3))
    inner = FIRE(torch.optim.SGD(network.parameters(), lr=0.01), layers, every=2)
    optimizer = ContinualBackprop(inner, layers, replacement_rate=0.2, maturity_threshold=1)
    for _ in range(6):
        optimizer.zero_grad()
        network(torch.ones(4, 3)).square().mean().backward()
        optimizer.step()
    assert optimizer.metrics()["fire/times"] == 3


@pytest.mark.parametrize("settings", [{"every": -1}, {"iterations": -1}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        FIRE(torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1), **settings)
