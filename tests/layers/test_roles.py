"""What each parameter of a network is for: by the modules of its layers, or by shapes and order alone."""

import pytest
import torch
from torch import nn

from plastic_rl.layers import HiddenLayer, hidden_layers, hidden_maps, kinds, linear_maps, norm_scales


def names(network, tensors):
    known = {id(parameter): name for name, parameter in network.named_parameters()}
    return [None if tensor is None else known[id(tensor)] for tensor in tensors]


def pairs(network, maps):
    return [tuple(names(network, (each.weight, each.bias))) for each in maps]


class Policy(nn.Module):
    """A layer without bias before a norm, and a vector that belongs to no layer, as `log_std` of an SB3 policy."""

    def __init__(self):
        super().__init__()
        self.log_std = nn.Parameter(torch.zeros(4))
        self.first = nn.Linear(3, 4, bias=False)
        self.norm = nn.LayerNorm(4)
        self.last = nn.Linear(4, 2)

    def forward(self, x):
        return self.last(torch.relu(self.norm(self.first(x)))) * self.log_std[:2].exp()


def test_modules_say_who_belongs_to_whom():
    network = Policy()
    layers = hidden_layers(network, torch.zeros(1, 3))
    assert pairs(network, linear_maps(network.parameters(), layers)) == [
        ("first.weight", None),
        ("last.weight", "last.bias"),
    ]
    assert pairs(network, hidden_maps(network.parameters(), layers)) == [("first.weight", None)]
    (scale,) = norm_scales(network.parameters(), layers)
    assert names(network, (scale.gain, scale.offset)) == ["norm.weight", "norm.bias"]


def test_layers_written_by_hand_name_their_modules():
    network = Policy()
    layers = [HiddenLayer("hidden", network.first, [network.last], norms=[network.norm])]
    assert pairs(network, linear_maps(network.parameters(), layers)) == [
        ("first.weight", None),
        ("last.weight", "last.bias"),
    ]
    assert len(norm_scales(network.parameters(), layers)) == 1


def test_without_layers_a_vector_right_behind_a_weight_with_as_many_entries_as_rows_is_its_bias():
    network = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.ReLU(), nn.Linear(4, 2), nn.Linear(2, 2, bias=False))
    assert pairs(network, linear_maps(network.parameters())) == [
        ("0.weight", "0.bias"),
        ("3.weight", "3.bias"),
        ("4.weight", None),
    ]
    assert norm_scales(network.parameters()) == []


def test_only_parameters_that_are_given_and_train_count():
    network = Policy()
    layers = hidden_layers(network, torch.zeros(1, 3))
    network.last.bias.requires_grad_(False)
    network.norm.weight.requires_grad_(False)
    assert pairs(network, linear_maps([network.last.weight], layers)) == [("last.weight", None)]
    assert norm_scales(network.parameters(), layers) == []
    network.last.weight.requires_grad_(False)
    assert linear_maps([network.last.weight], layers) == []


def test_a_map_leaves_out_what_was_frozen_since():
    (linear,) = linear_maps(nn.Linear(2, 3).parameters())
    assert len(linear.parameters) == 2
    linear.weight.requires_grad_(False)
    assert linear.parameters == [linear.bias]


@pytest.mark.parametrize(
    ("layer", "weight", "shape"),
    [
        (nn.Linear(3, 4), "weight", (1, 4, 3, 1)),
        (nn.Conv2d(3, 4, (5, 2)), "weight", (1, 4, 3, 10)),
        (nn.Conv2d(6, 4, 3, groups=2), "weight", (2, 2, 3, 9)),
        (nn.Conv1d(4, 4, 3, groups=4), "weight", (4, 1, 1, 3)),
        (nn.ConvTranspose2d(3, 4, 5), "weight", (1, 4, 3, 25)),
        (nn.ConvTranspose1d(6, 4, 2, groups=2), "weight", (2, 2, 3, 2)),
        (nn.LSTM(3, 5), "weight_ih_l0", (4, 5, 3, 1)),
        (nn.GRU(3, 5), "weight_hh_l0", (3, 5, 5, 1)),
        (nn.MultiheadAttention(4, 2), "in_proj_weight", (3, 4, 4, 1)),
    ],
)
def test_a_weight_is_seen_by_block_output_input_and_tap(layer, weight, shape):
    if isinstance(layer, nn.MultiheadAttention):
        end = HiddenLayer("hidden", nn.Linear(4, 4), [layer])
    else:
        end = HiddenLayer("hidden", layer, [nn.Linear(kinds.outputs(layer), 1)])
    found = {id(each.weight): each for each in linear_maps(layer.parameters(), [end])}
    linear = found[id(getattr(layer, weight))]
    assert linear.view(linear.weight).shape == shape
    assert linear.fan_in == shape[2] * shape[3]
    assert linear.view(linear.weight).data_ptr() == linear.weight.data_ptr()
    assert torch.equal(linear.as_parameter(linear.matrices(linear.weight)), linear.weight)
    assert linear.bias is not None


@pytest.mark.parametrize(
    "layer", [nn.Conv2d(6, 4, 3, groups=2), nn.ConvTranspose2d(6, 4, 3, groups=2), nn.ConvTranspose2d(3, 4, 3)]
)
def test_the_view_of_a_convolution_is_the_map_that_it_applies(layer):
    """One pixel in, in each input channel in turn: what comes out at each tap is a column of that tap's matrix."""
    linear = linear_map_of(layer)
    inputs = torch.eye(layer.in_channels)[:, :, None, None]
    with torch.no_grad():
        size = 5 if not isinstance(layer, nn.ConvTranspose2d) else 1
        image = torch.zeros(layer.in_channels, layer.in_channels, size, size)
        image[:, :, size // 2, size // 2] = inputs[:, :, 0, 0]
        heard = layer(image) - layer.bias[None, :, None, None]
    if not isinstance(layer, nn.ConvTranspose2d):
        heard = heard.flip(2, 3)  # torch's convolution is a correlation
    blocks = linear.view(linear.weight)
    for tap in range(9):
        whole = torch.block_diag(*blocks[..., tap])
        torch.testing.assert_close(heard[:, :, tap // 3, tap % 3].T, whole)


def linear_map_of(layer):
    end = HiddenLayer("hidden", layer, [nn.Linear(4, 1)])
    return next(each for each in linear_maps(layer.parameters(), [end]) if each.weight is layer.weight)


def test_a_table_is_no_map():
    table, layer = nn.Embedding(5, 3), nn.Linear(3, 2)
    network = nn.Sequential(table, layer, nn.ReLU(), nn.Linear(2, 1))
    layers = [HiddenLayer("hidden", layer, [network[3]], network=network)]
    assert pairs(network, linear_maps(network.parameters(), layers)) == [("1.weight", "1.bias"), ("3.weight", "3.bias")]
