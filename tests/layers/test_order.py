"""The order of layers, counted from the output: by the longest way, in all branches alike."""

import pytest
import torch
from torch import nn

from plastic_rl.layers import HiddenLayer, hidden_layers, layer_order


class TwoHeads(nn.Module):
    """A trunk, a short branch with a norm, and a long one; a number of its own beside them."""

    def __init__(self):
        super().__init__()
        self.trunk, self.short = nn.Linear(3, 4), nn.Linear(4, 1)
        self.long, self.norm, self.end = nn.Linear(4, 5), nn.LayerNorm(5), nn.Linear(5, 2)
        self.scale = nn.Parameter(torch.zeros(2))

    def forward(self, inputs):
        hidden = torch.relu(self.trunk(inputs))
        return self.short(hidden), self.end(torch.relu(self.norm(self.long(hidden)))) * self.scale.exp()


def test_a_head_is_at_one_and_a_shared_trunk_before_the_longest_branch():
    network = TwoHeads()
    order = layer_order(hidden_layers(network, torch.zeros(1, 3)))
    assert order.places() == {network.short: 1, network.end: 1, network.long: 2, network.trunk: 3}
    assert set(order.last(2)) == {network.short, network.end, network.long}
    assert order.norms[network.long] == [network.norm]
    assert order.norms[network.trunk] == []
    assert order.vectors() == [network.scale]


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.first, self.second, self.head = (nn.Linear(4, 4) for _ in range(4))

    def forward(self, inputs):
        stream = self.stem(inputs)
        return self.head(stream + self.second(torch.relu(self.first(stream))))


def test_the_stem_of_a_residual_stream_that_the_head_reads_is_not_near_the_output():
    network = Residual()
    order = layer_order(hidden_layers(network, torch.zeros(1, 4)))
    assert order.places() == {network.head: 1, network.second: 2, network.first: 3, network.stem: 4}


def test_layers_to_be_left_alone_have_their_place_all_the_same():
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))
    order = layer_order(hidden_layers(network, torch.zeros(1, 3), ignore=["2"]))
    assert order.places() == {network[4]: 1, network[2]: 2, network[0]: 3}


def test_layers_written_by_hand_say_the_order_themselves():
    first, norm, second, head = nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 4), nn.Linear(4, 1)
    hand = [HiddenLayer("first", first, [second], norms=[norm]), HiddenLayer("second", second, [head])]
    order = layer_order(hand)
    assert order.places() == {head: 1, second: 2, first: 3}
    assert order.norms[first] == [norm]


def test_a_recurrent_layer_has_a_place_and_a_circle_has_none():
    recurrent, head = nn.LSTM(3, 4), nn.Linear(4, 1)
    order = layer_order([HiddenLayer("recurrent", recurrent, [head])])
    assert order.places() == {head: 1, recurrent: 2}
    one, other = nn.Linear(2, 2), nn.Linear(2, 2)
    circle = layer_order([HiddenLayer("one", one, [other]), HiddenLayer("other", other, [one])])
    with pytest.raises(ValueError, match="no last layer"):
        circle.places()
