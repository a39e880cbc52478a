"""Plain torch networks beside fresh ones."""

import json
import math
from dataclasses import asdict

import pytest
import torch
from torch import nn

from plastic_rl.doctor import examine
from plastic_rl.doctor.figures import figures_of
from plastic_rl.layers import HiddenLayer


def make(activation=nn.ReLU, width=20):
    return nn.Sequential(nn.Linear(4, width), activation(), nn.Linear(width, width), activation(), nn.Linear(width, 2))


@pytest.fixture
def inputs():
    return torch.randn(300, 4)


def found(network, inputs, **options):
    examination = examine(network, [make() for _ in range(3)], inputs, **options)
    return {str(each.symptom): each.layers for each in examination.complaints}


def test_the_figures_of_a_layer_by_hand():
    """Four units, of which one is constant and one nothing; the other two vary alike."""
    layer = HiddenLayer("a", nn.Linear(1, 4), [nn.Linear(4, 1)])
    nn.init.constant_(layer.layer.weight, -0.5)
    features = torch.tensor([[1.0, 0.0, 7.0, 0.0], [-1.0, 0.0, 7.0, 0.0], [0.0, 1.0, 7.0, 0.0], [0.0, -1.0, 7.0, 0.0]])
    # Mean |h| is 0.5, 0.5, 7, 0: one dormant. About their means they vary in two directions, equally.
    expected = {"dead": None, "saturated": None, "dormant": 0.25, "directions": 2.0, "weights": 0.5}
    assert asdict(figures_of(layer, features, None)) == pytest.approx(expected, abs=1e-5)


def test_a_fresh_network_is_healthy(inputs):
    examination = examine(make(), [make() for _ in range(3)], inputs)
    assert examination.is_healthy
    assert str(examination).splitlines()[-1] == "No sign of a loss of plasticity."


def test_a_network_whose_activations_are_of_ones_own_is_looked_at_without_dead_and_saturated(inputs):
    class Own(nn.Module):
        def forward(self, x):
            return x / (1 + x.abs())

    (first, _) = examine(make(Own), make(Own), inputs).layers
    assert (first.now.dead, first.now.saturated) == (None, None)
    assert " - (-) " in str(examine(make(Own), make(Own), inputs))


def test_each_layer_is_told_by_name(inputs):
    network = make()
    with torch.no_grad():
        network[0].weight.mul_(5)
        network[2].bias.fill_(-1e3)
    assert found(network, inputs) == {"dead": ["2"], "grown": ["0"]}
    assert found(network, inputs, ignore=["2"]) == {"grown": ["0"]}


def test_a_single_fresh_network_will_do(inputs):
    network = make(nn.Tanh)
    with torch.no_grad():
        network[0].bias.fill_(50.0)
    (complaint, *_) = examine(network, make(nn.Tanh), inputs).complaints
    assert (complaint.symptom, complaint.layers) == ("saturated", ["0"])


def test_a_diverged_network_is_said_to_be_one(inputs):
    network = make()
    with torch.no_grad():
        network[2].weight[0, 0] = math.nan
    (complaint,) = examine(network, make(), inputs).complaints
    assert (complaint.symptom, complaint.layers) == ("broken", ["2.weight"])
    network = make()
    with torch.no_grad():
        network[0].weight.fill_(1e30)
        network[2].weight.fill_(1e30)
    assert found(network, inputs)["broken"] == ["2"]


def test_all_of_it_is_plain_json(inputs):
    network = make()
    with torch.no_grad():
        network[0].weight.fill_(1e30)
        network[2].weight.fill_(1e30)
    plain = examine(network, make(), inputs).as_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["healthy"] is False
    assert plain["layers"][1]["now"]["directions"] is None
    assert plain["complaints"][0]["symptom"] == "broken"


def test_networks_modes_and_random_numbers_stay_as_they_are(inputs):
    network, fresh = make(), make()
    network.add_module("drop", nn.Dropout(0.5))
    fresh.add_module("drop", nn.Dropout(0.5))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state = torch.get_rng_state()
    examine(network, fresh, inputs)
    assert torch.equal(torch.get_rng_state(), state)
    assert network.training
    assert fresh.drop.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_another_network_is_no_fresh_one(inputs):
    with pytest.raises(ValueError, match=r"not of the same make: 0\.weight has shape \(20, 4\) and \(21, 4\)"):
        examine(make(), make(width=21), inputs)
    with pytest.raises(ValueError, match=r"not of the same make: 4\.weight has shape \(2, 20\) and None"):
        examine(make(), make()[:4], inputs)


def test_a_network_without_hidden_layers_is_refused(inputs):
    with pytest.raises(ValueError, match="no hidden layer"):
        examine(nn.Linear(4, 2), nn.Linear(4, 2), inputs)


def test_attention_and_norms_are_found_again_in_the_fresh_network():
    def block():
        return nn.Sequential(nn.Linear(4, 8), nn.TransformerEncoderLayer(8, 2, 12, batch_first=True), nn.Linear(8, 1))

    examination = examine(block(), block(), torch.randn(16, 3, 4))
    assert {"1.linear1", "1.self_attn.values"} <= {layer.name for layer in examination.layers}
