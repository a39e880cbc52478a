"""Calibrated partial resets: utilities, shares and resets by hand and beside NumPy, and what is left alone."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from plastic_rl.forecast import forecast
from plastic_rl.initialisers import Initialiser
from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.optim import CalibratedPartialResets
from plastic_rl.optim.cpr import share_of_reset
from plastic_rl.optim.replacement import pull_units
from tests.optim.networks import X, are_equal, mlp, numbers, step, three_unit_layer, three_units, train

# Σ|∂L/∂w_in| of the three units on X; see tests/optim/test_regrama.py.
GRADIENTS = np.array([57.0, 5.25, 14.25])


def filled(value: float) -> Initialiser:
    return lambda tensor, generator=None: tensor.fill_(value)


def still(network: nn.Module, layers: list[HiddenLayer], **settings) -> CalibratedPartialResets:
    """The method around an optimiser that moves nothing, so that every number is the method's own."""
    settings = {"every": 1, "seed": 0, **settings}
    return CalibratedPartialResets(torch.optim.SGD(network.parameters(), lr=0.0, momentum=0.9), layers, **settings)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_the_share_by_hand():
    utility = torch.tensor([0.0, 1.0, 1.0 + np.log(3) / 16, 3.0])  # 2 σ(-log 3) = 2 / 4
    assert share_of_reset(utility, 0.015, 16.0, 1.0).tolist() == pytest.approx([0.015, 0.015, 0.0075, 0.0], abs=1e-8)


def test_two_resets_are_those_of_numpy():
    network = three_units()
    settings = {"replacement_rate": 0.4, "sharpness": 2.0, "decay_rate": 0.5, "initialiser": filled(10.0)}
    optimizer = still(network, three_unit_layer(network), every=2, **settings)
    w_in, w_out = (network[place].weight.detach().numpy().astype(np.float64).copy() for place in (0, 2))
    x, b_out = X.numpy(), 0.25
    for _ in range(2):
        u = np.ones(3)
        for _ in range(2):
            h = np.maximum(x @ w_in.T, 0)
            out = h @ w_out.T + b_out
            g = np.abs(((out * w_out) * (h > 0)).T @ x).sum(1)
            u = 0.5 * u + 0.5 * g / g.mean()
        p = 0.4 * np.minimum(1, 2 * sigmoid(-2 * (u - 1)))
        w_in, w_out = (1 - p)[:, None] * w_in + p[:, None] * 10.0, (1 - p) * w_out
        for _ in range(2):
            step(network, optimizer, X)
        np.testing.assert_allclose(network[0].weight.detach().numpy(), w_in, rtol=1e-5)
        np.testing.assert_allclose(network[2].weight.detach().numpy(), w_out, rtol=1e-5)
    assert optimizer.metrics()["cpr/reset"] > 0


def test_the_utility_by_hand():
    network = three_units()
    optimizer = still(network, three_unit_layer(network), decay_rate=0.9, every=100)
    step(network, optimizer, X)
    expected = 0.9 + 0.1 * GRADIENTS / GRADIENTS.mean()
    np.testing.assert_allclose(optimizer.watched[0].utility.numpy(), expected, rtol=1e-6)


def test_utilities_start_anew_after_each_reset():
    network = three_units()
    optimizer = still(network, three_unit_layer(network), every=2)
    seen = []
    for _ in range(4):
        step(network, optimizer, X)
        seen.append(optimizer.watched[0].utility.tolist() == [1.0] * 3)
    assert seen == [False, True, False, True]


def test_no_unit_is_too_young_and_none_is_named_as_newborn():
    network, heard = three_units(), []
    optimizer = still(network, three_unit_layer(network), replacement_rate=1.0, decay_rate=0.0)
    optimizer.on_replacement(heard.append)
    step(network, optimizer, X)
    assert (network[2].weight[0, 1:] == 0).all()  # below the mean of the layer, at a rate of 1: reset as a whole
    assert heard == []


def test_biases_norms_the_output_layer_and_the_optimisers_state_stay():
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1))
    inner = torch.optim.SGD(network.parameters(), lr=0.0, momentum=0.9)
    optimizer = CalibratedPartialResets(inner, hidden_layers(network, torch.zeros(2, 2)), replacement_rate=0.5, every=1)
    step(network, optimizer, torch.randn(4, 2, generator=torch.Generator().manual_seed(0)))
    kept = {name: value.clone() for name, value in network.state_dict().items() if name not in ("0.weight", "3.weight")}
    state = {place: each["momentum_buffer"].clone() for place, each in inner.state.items()}
    before = network[0].weight.clone()
    with torch.no_grad():
        optimizer.after_step()
    assert not torch.equal(network[0].weight, before)
    for name, value in kept.items():
        assert torch.equal(network.state_dict()[name], value)
    for place, value in state.items():
        assert torch.equal(inner.state[place]["momentum_buffer"], value)


def test_a_layer_between_two_is_reset_on_both_sides_in_the_order_of_the_layers():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    with torch.no_grad():
        network[2].weight.fill_(8.0)
    settings = {"replacement_rate": 0.5, "threshold": 100.0, "initialiser": filled(1.0)}  # p is 0.5 for all units
    train_once = still(network, hidden_layers(network, X), **settings)
    step(network, train_once, X)
    assert network[2].weight.tolist() == [[0.5 * 0.5 * 8.0 + 0.5] * 2] * 2  # columns first, then rows


class Grouped(nn.Module):
    """A convolution whose channels are read in two groups."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.reader, self.head = nn.Conv2d(1, 4, 1), nn.Conv2d(4, 2, 1, groups=2), nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.reader(self.body(x).relu()).relu().mean((2, 3)))


@pytest.mark.parametrize(
    ("build", "x"),
    [
        (Grouped, torch.zeros(1, 1, 3, 3)),
        (lambda: nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2)), torch.zeros(1, 1, 4, 4)),
        (
            lambda: nn.Sequential(nn.ConvTranspose2d(1, 3, 2), nn.ReLU(), nn.ConvTranspose2d(3, 1, 2)),
            torch.ones(1, 1, 3, 3),
        ),
        (
            lambda: nn.Sequential(nn.TransformerEncoderLayer(8, 2, 12, batch_first=True, dropout=0.0), nn.Linear(8, 1)),
            torch.zeros(2, 4, 8),
        ),
    ],
    ids=["groups", "flattened", "transposed", "attention"],
)
def test_a_whole_share_is_a_replacement_of_these_units_and_of_no_others(build, x: Tensor):
    """With p = 1 rows are fresh and columns silent, with p = 0 nothing moves."""
    torch.manual_seed(0)
    network = build()
    for layer in hidden_layers(network, x):
        share = torch.zeros(layer.units)
        share[1] = 1.0
        before = {id(tensor): tensor.clone() for tensor in network.parameters()}
        pull_units(layer, share, [filled(7.0)] * len(layer.produced_by), torch.Generator())
        unit = torch.tensor([1])
        expected = {key: value.clone() for key, value in before.items()}
        for port in layer.produced_by:
            expected[id(port.parameter)].index_fill_(port.row_axis, port.positions(unit), 7.0)
        for port in layer.read_by:
            value = expected[id(port.parameter)]
            if port.column_axis is None:
                value.put_(port.columns(unit), torch.zeros(len(port.columns(unit))))
            else:
                value.index_fill_(port.column_axis, port.columns(unit), 0.0)
        for tensor in network.parameters():
            torch.testing.assert_close(tensor, expected[id(tensor)])


def test_the_gates_of_a_recurrent_unit_are_drawn_back_together():
    torch.manual_seed(0)
    body, head = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 1)
    layer = HiddenLayer("body", body, [head])
    pull_units(layer, torch.tensor([0.0, 0.5, 0.0, 0.0]), [filled(7.0)] * 2, torch.Generator())
    before = copy.deepcopy(body)
    pull_units(layer, torch.tensor([0.0, 1.0, 0.0, 0.0]), [filled(7.0)] * 2, torch.Generator())
    rows = [1, 5, 9, 13]
    assert (body.weight_ih_l0[rows] == 7.0).all()
    assert (body.weight_hh_l0[:, 1] == 0.0).all()
    others = [row for row in range(16) if row not in rows]
    assert torch.equal(body.weight_ih_l0[others], before.weight_ih_l0[others])
    assert head.weight[0, 1] == 0.0


# What says nothing.


def test_updates_without_gradients_leave_utilities_as_they_are():
    network = mlp()
    optimizer = still(network, hidden_layers(network, torch.zeros(1, 6)), every=10)
    optimizer.step()
    assert all((watched.utility == 1).all() for watched in optimizer.watched)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_one_gradient_that_is_no_number_does_not_stay_in_the_utilities(value: float):
    network = three_units()
    optimizer = still(network, three_unit_layer(network), every=10)
    step(network, optimizer, X)
    before = optimizer.watched[0].utility.clone()
    network[0].weight.grad[0, 0] = value
    optimizer.after_step()
    assert torch.equal(optimizer.watched[0].utility, before)


def test_a_layer_without_any_gradient_is_reset_at_the_full_rate():
    network = three_units()
    with torch.no_grad():
        network[0].bias.fill_(-100.0)
    optimizer = still(network, three_unit_layer(network), replacement_rate=0.25)
    step(network, optimizer, X)
    assert network[2].weight[0].tolist() == [0.75 * each for each in (2.0, -1.0, 0.5)]
    assert optimizer.metrics()["cpr/reset"] == pytest.approx(0.75)


def test_frozen_layers_are_left_alone_until_they_are_thawed():
    network = mlp()
    network[0].requires_grad_(False)
    optimizer = still(network, hidden_layers(network, torch.zeros(1, 6)), replacement_rate=0.5)
    before = numbers(network[0])
    train(network, optimizer, 2)
    assert are_equal(before, numbers(network[0]))
    assert optimizer.metrics()["cpr/reset/0"] == 0
    assert optimizer.metrics()["cpr/reset/2"] > 0
    network[0].requires_grad_(True)
    train(network, optimizer, 1)
    assert optimizer.metrics()["cpr/reset/0"] > 0


def test_a_changed_network_is_noticed_before_a_reset():
    network = mlp()
    optimizer = still(network, hidden_layers(network, torch.zeros(1, 6)), every=2)
    train(network, optimizer, 1)
    network[4] = nn.Linear(16, 3)
    optimizer.add_param_group({"params": network[4].parameters()})
    with pytest.raises(RuntimeError, match="`4` is another module, or gone"):
        train(network, optimizer, 1)


def test_reattached_layers_keep_their_utilities():
    network = mlp()
    optimizer = still(network, hidden_layers(network, torch.zeros(1, 6)), every=3)
    train(network, optimizer, 4)
    before, metrics = [watched.utility.clone() for watched in optimizer.watched], optimizer.metrics()
    optimizer.reattach(hidden_layers(network, torch.zeros(1, 6)))
    assert are_equal(before, [watched.utility for watched in optimizer.watched])
    assert optimizer.metrics() == metrics


def test_what_is_said_beforehand():
    network = mlp()
    layers = hidden_layers(network, torch.zeros(1, 6))
    line = forecast(still(network, layers, every=50)).line
    assert line == "calibrated partial resets: first look at update 50, then as the scores say"
    idle = forecast(still(network, layers, replacement_rate=0.0))
    assert idle.line.startswith("calibrated partial resets: no unit is ever replaced. replacement_rate is 0")


@pytest.mark.parametrize("name", ["replacement_rate", "sharpness", "threshold", "decay_rate", "every"])
def test_settings_out_of_range_are_refused(name: str):
    network = mlp()
    with pytest.raises(ValueError, match=name):
        still(network, hidden_layers(network, torch.zeros(1, 6)), **{name: -1 if name == "every" else -1.0})
