"""What a replacement touches, and that a newborn unit stays silent."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from plastic_rl.initialisers import (
    Resembling,
    kaiming_normal_,
    kaiming_uniform_,
    lecun_uniform_,
    orthogonal_row_,
    torch_default_,
)
from plastic_rl.layers import HiddenLayer, hidden_layers, norm_scales
from plastic_rl.optim import ContinualBackprop
from plastic_rl.optim.adam import with_unit_clock
from plastic_rl.optim.forgetting import forget
from plastic_rl.optim.replacement import move_mean_to_bias, replace_units
from tests.optim.networks import OPTIMIZERS, X, around, mlp, step, three_unit_layer, three_units, train


def replace(layer: HiddenLayer, units: list[int], optimizer: torch.optim.Optimizer | None = None) -> None:
    replace_units(layer, torch.tensor(units), [lecun_uniform_] * len(layer.produced_by), torch.Generator(), optimizer)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_moments_of_the_unit_alone_are_forgotten(kind: str):
    network = three_units()
    optimizer = with_unit_clock(OPTIMIZERS[kind](network))
    step(network, optimizer, X)
    before = {
        (name, key): value.clone()
        for name, parameter in network.named_parameters()
        for key, value in optimizer.state[parameter].items()
        if isinstance(value, Tensor) and value.shape == parameter.shape
    }
    replace(three_unit_layer(network)[0], [1], optimizer)
    slices = {"0.weight": (slice(1, 2),), "0.bias": (slice(1, 2),), "2.weight": (slice(None), slice(1, 2))}
    for (name, key), value in before.items():
        if name in slices:
            value[slices[name]] = 0.0
        assert torch.equal(optimizer.state[dict(network.named_parameters())[name]][key], value)
    assert bool(before) == (kind != "sgd")


def test_a_parameter_without_state_or_optimiser_has_nothing_to_forget():
    network = three_units()
    forget(None, network[0].weight, 0, torch.tensor([1]))
    forget(torch.optim.Adam(network.parameters()), network[0].weight, 0, torch.tensor([1]))
    forget(torch.optim.Adam(network.parameters()), None, 0, torch.tensor([1]))


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_newborn_unit_is_silent_after_the_step_and_when_the_next_one_begins(kind: str):
    network = mlp()
    optimizer = around(OPTIMIZERS[kind](network), network, maturity_threshold=0, replacement_rate=1 / 16)
    data = torch.Generator().manual_seed(0)
    for number in range(1, 12):
        x = torch.randn(8, 6, generator=data)
        # What was silenced after the last step has not been moved before this one's forward pass.
        assert number == 1 or [(network[reader].weight == 0).all(0).sum().item() for reader in (2, 4)] == [1, 1]
        step(network, optimizer, x)
        assert [(network[reader].weight == 0).all(0).sum().item() for reader in (2, 4)] == [1, 1]


def test_replacing_happens_after_the_step_not_before():
    """Silenced before the step, the unit would be moved by its own gradient and the optimiser's momentum."""
    network = three_units()
    optimizer = around_three(network)
    seen = []
    optimizer.optimizer.register_step_post_hook(lambda *_: seen.append(network[2].weight.detach().clone()))
    step(network, optimizer, X)
    assert (seen[0] != 0).all()
    assert network[2].weight[0, 1] == 0


def around_three(network: nn.Sequential) -> ContinualBackprop:
    inner = torch.optim.SGD(network.parameters(), lr=1e-4, momentum=0.9)
    return ContinualBackprop(inner, three_unit_layer(network), replacement_rate=1 / 3, maturity_threshold=0)


def test_the_function_does_not_move_when_a_silent_unit_is_redrawn():
    network, x = mlp(), torch.randn(5, 6)
    layer = hidden_layers(network, x)[0]
    replace(layer, [3, 7])
    before = network(x)
    replace(layer, [3, 7])
    assert torch.equal(before, network(x))


def test_conv_channels_own_several_columns_of_a_linear_reader():
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))  # 3 channels of 2 x 2
    layer = hidden_layers(network, torch.zeros(1, 1, 4, 4))[0]
    replace(layer, [1])
    assert (network[3].weight == 0).all(0).nonzero().flatten().tolist() == [4, 5, 6, 7]


def test_batch_norm_starts_anew_for_the_unit():
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1))
    optimizer = torch.optim.Adam(network.parameters())
    step(network, optimizer, torch.randn(4, 2))
    norm = network[1]
    before = [value.clone() for value in (norm.weight, norm.bias, norm.running_mean, norm.running_var)]
    replace(hidden_layers(network, torch.zeros(4, 2))[0], [2], optimizer)
    for value, old, start in zip(
        (norm.weight, norm.bias, norm.running_mean, norm.running_var), before, (1, 0, 0, 1), strict=True
    ):
        assert value[2] == start
        assert torch.equal(value[:2], old[:2])
    assert optimizer.state[norm.weight]["exp_avg"][2] == 0
    assert (optimizer.state[norm.weight]["exp_avg"][:2] != 0).all()


@pytest.mark.parametrize(("slopes", "after"), [(3, [0.5, 0.5, 0.1]), (1, [0.5])])
def test_a_units_own_slope_starts_anew_and_that_of_a_whole_layer_stays(slopes: int, after: list[float]):
    network = nn.Sequential(nn.Linear(2, 3), nn.PReLU(slopes, init=0.1), nn.Linear(3, 1))
    optimizer = torch.optim.Adam(network.parameters())
    step(network, optimizer, torch.randn(4, 2))
    slope = network[1].weight
    slope.data.fill_(0.5)
    replace(hidden_layers(network, torch.zeros(4, 2))[0], [2], optimizer)
    assert slope.tolist() == pytest.approx(after)
    moments = optimizer.state[slope]["exp_avg"]
    assert moments[-1].item() == 0 if slopes == 3 else moments[-1].item() != 0


def test_slopes_of_channels_start_anew_and_are_no_scales_of_a_norm():
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.PReLU(3), nn.Flatten(), nn.Linear(12, 2))
    layer = hidden_layers(network, torch.zeros(1, 1, 4, 4))[0]
    assert [(port.name, port.index.flatten().tolist()) for port in layer.normed_by] == [("1", [0, 1, 2])]
    assert norm_scales(network.parameters(), [layer]) == []
    network[1].weight.data.fill_(0.9)
    replace(layer, [0, 2])
    assert network[1].weight.tolist() == pytest.approx([0.25, 0.9, 0.25])
    by_hand = HiddenLayer("0", network[0], [network[3]], norms=[network[1]])
    assert torch.equal(by_hand.normed_by[0].index, layer.normed_by[0].index)


def test_a_conv_units_mean_enters_its_readers_bias_once_for_each_tap():
    reader = nn.Conv2d(2, 1, 3)
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), reader)
    layer = hidden_layers(network, torch.zeros(1, 1, 5, 5))[0]
    nn.init.constant_(reader.weight, 0.5)
    before = reader.bias.item()
    move_mean_to_bias(layer.read_by[0], torch.tensor([1]), torch.tensor([7.0, 2.0]))
    assert reader.bias.item() == pytest.approx(before + 9 * 0.5 * 2.0)


def test_fresh_weights_resemble_those_the_layer_started_with():
    network = mlp(width=256)
    start = network[0].weight.detach().clone()
    optimizer = around(torch.optim.SGD(network.parameters(), lr=0.5), network, replacement_rate=1.0)
    train(network, optimizer, 4)  # all units mature and go at the fourth step
    fresh = network[0].weight
    assert not torch.equal(fresh, start)
    assert fresh.std().item() == pytest.approx(start.std().item(), rel=0.05)
    assert fresh.abs().max() <= 1.06 * start.abs().max()  # uniform, as torch's default is


def test_units_born_in_one_step_do_not_hear_each_other():
    """The fresh rows of the second layer must not overwrite the silent columns of the first."""
    network = mlp()
    train(network, around(torch.optim.SGD(network.parameters(), lr=0.1), network, replacement_rate=1.0), 4)
    assert (network[2].weight == 0).all()
    assert (network[4].weight == 0).all()


@pytest.mark.parametrize(
    ("initialise", "spread"),
    [
        (nn.init.kaiming_normal_, "normal"),
        (nn.init.xavier_uniform_, "uniform"),
        (lecun_uniform_, "uniform"),
        (nn.init.orthogonal_, "sphere"),
    ],
)
def test_resembling_draws_what_it_was_fitted_to(initialise, spread: str):
    torch.manual_seed(0)
    start = initialise(torch.empty(64, 100))
    fit = Resembling.of(start)
    assert fit.spread == spread
    fresh = fit(torch.empty(64, 100))
    assert fresh.std().item() == pytest.approx(start.std().item(), rel=0.05)
    assert Resembling.of(fresh).spread == spread
    assert fit.std == pytest.approx(0.1 if initialise in (lecun_uniform_, nn.init.orthogonal_) else fit.std, rel=0.05)


@pytest.mark.parametrize(
    ("initialise", "variance"),
    [(torch_default_, 1 / 3), (lecun_uniform_, 1), (kaiming_uniform_, 2), (kaiming_normal_, 2), (orthogonal_row_, 2)],
)
def test_explicit_initialisers_have_their_variance(initialise, variance: float):
    weight = initialise(torch.empty(200, 4, 5, 5), torch.Generator().manual_seed(0))
    assert weight.square().mean().item() * 100 == pytest.approx(variance, rel=0.03)
