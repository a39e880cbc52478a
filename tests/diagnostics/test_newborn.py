"""The gradients of newborn units over those of the others, worked out by hand."""

import pytest
import torch
from torch import nn

from plastic_rl.diagnostics import newborn_gradients
from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.nn.dynamic import widen


def test_by_hand():
    network = nn.Sequential(nn.Linear(1, 3), nn.Linear(3, 1))
    layer = HiddenLayer("hidden", network[0], [network[1]])
    with pytest.raises(ValueError, match="`hidden` has no gradient"):
        newborn_gradients(layer, torch.tensor([True, False, False]))
    network[0].weight.grad, network[0].bias.grad = torch.tensor([[3.0], [3.0], [0.0]]), torch.tensor([4.0, 4.0, 0.0])
    network[1].weight.grad, network[1].bias.grad = torch.tensor([[1.0, 4.0, 2.0]]), torch.tensor([9.0])
    ratios = newborn_gradients(layer, torch.tensor([True, False, False]))
    assert ratios == pytest.approx({"incoming": 2**0.5, "outgoing": 0.1**0.5})
    with pytest.raises(ValueError, match="0 of 3 units of `hidden` are newborn"):
        newborn_gradients(layer, torch.tensor([False, False, False]))


def test_nothing_comes_back_to_a_silent_unit_before_its_first_step():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv1d(2, 3, 1), nn.ReLU(), nn.Flatten(), nn.Linear(6, 2))
    layer = hidden_layers(network, torch.zeros(1, 2, 2))[0]
    widen(layer, 2, torch.optim.SGD(network.parameters(), lr=0.1))
    network(torch.randn(8, 2, 2)).square().sum().backward()
    ratios = newborn_gradients(layer, torch.arange(5) > 2)
    assert ratios["incoming"] == 0
    assert ratios["outgoing"] > 0
