"""Networks by name: which takes what."""

import pytest
import torch

from plastic_rl.networks import network_for

SIZES = {"hidden_layers": 2, "hidden_units": 7, "width": 4}


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("mlp", (5,)),
        ("mlp", (1, 8, 8)),
        ("layer_norm_mlp", (1, 8, 8)),
        ("batch_norm_mlp", (1, 8, 8)),
        ("linear", (5,)),
        ("linear", (3, 32, 32)),
        ("convnet", (3, 32, 32)),
        ("resnet18", (3, 32, 32)),
        ("lenet", (1, 8, 8)),
        ("residual_conv", (1, 8, 8)),
    ],
)
def test_a_network_takes_a_streams_inputs_and_gives_its_outputs(name, shape):
    network = network_for(name, shape, 6, **SIZES)
    assert network(torch.zeros(2, *shape)).shape == (2, 6)


def test_a_linear_network_has_no_hidden_layer_and_an_mlp_as_many_as_asked():
    def layers(name):
        return [m for m in network_for(name, (5,), 6, **SIZES).modules() if isinstance(m, torch.nn.Linear)]

    assert [(layer.in_features, layer.out_features) for layer in layers("linear")] == [(5, 6)]
    assert [(layer.in_features, layer.out_features) for layer in layers("mlp")] == [(5, 7), (7, 7), (7, 6)]


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("resnet18", (1, 8, 8), r"takes images \(3, height, width\), this stream gives \(1, 8, 8\): use agent.network"),
        ("convnet", (3, 64, 64), r"takes images \(3, 32, 32\)"),
        ("lenet", (64,), r"takes images \(channels, height, width\)"),
        ("transformer", (3, 32, 32), "must be one of mlp, layer_norm_mlp, batch_norm_mlp, convnet"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(name, shape, words):
    with pytest.raises(ValueError, match=words):
        network_for(name, shape, 6, **SIZES)
