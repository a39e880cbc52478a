"""Which groups of units are found in the networks that people train, and which are refused by name."""

from __future__ import annotations

import pytest
import torch
from stable_baselines3 import DQN, PPO, SAC
from torch import nn

from plastic_rl.layers import HiddenLayer, assert_function_preserving, hidden_layers
from tests.layers.zoo import CONTINUOUS, DISCRETE, IMAGE, VECTOR, Box


def shape(layers: list[HiddenLayer]) -> dict[str, tuple[int, list[str]]]:
    """For each layer its number of units and the names of its readers."""
    return {layer.name: (layer.units, sorted(port.name for port in layer.read_by)) for layer in layers}


def found(network: nn.Module, *example: torch.Tensor) -> dict[str, tuple[int, list[str]]]:
    layers = hidden_layers(network, *example)
    assert_function_preserving(network, layers, *example)
    return shape(layers)


def test_ppo_with_separate_trunks():
    policy = PPO("MlpPolicy", Box(VECTOR, CONTINUOUS), policy_kwargs={"net_arch": {"pi": [8, 6], "vf": [5]}}).policy
    assert found(policy, torch.zeros(1, 4)) == {
        "mlp_extractor.policy_net.0": (8, ["mlp_extractor.policy_net.2"]),
        "mlp_extractor.policy_net.2": (6, ["action_net"]),
        "mlp_extractor.value_net.0": (5, ["value_net"]),
    }


@pytest.mark.parametrize("norm", [nn.BatchNorm1d(4, affine=False), nn.LayerNorm(4, elementwise_affine=False)])
def test_a_norm_without_weights_has_none_to_be_replaced(norm: nn.Module):
    network = nn.Sequential(nn.Linear(3, 4), norm, nn.ReLU(), nn.Linear(4, 2, bias=False))
    (layer,) = hidden_layers(network, torch.zeros(2, 3))
    assert [port.layer for port in layer.normed_by] == [norm]
    assert [id(tensor) for tensor in layer.parameters()] == [
        id(tensor) for tensor in (network[0].weight, network[0].bias, network[3].weight)
    ]


@pytest.mark.parametrize("shared", [True, False])
def test_ppo_on_images(shared: bool):
    settings = {"share_features_extractor": shared, "features_extractor_kwargs": {"features_dim": 8}, "net_arch": []}
    policy = PPO("CnnPolicy", Box(IMAGE, DISCRETE), policy_kwargs=settings).policy
    layers = hidden_layers(policy, torch.zeros(1, 1, 36, 36))
    assert_function_preserving(policy, layers, torch.rand(1, 1, 36, 36))
    assert [layer.units for layer in layers] == [32, 64, 64, 8] * (1 if shared else 2)
    readers = {port.name for layer in layers if layer.units == 8 for port in layer.read_by}
    assert readers == {"action_net", "value_net"}
    assert [len(layer.read_by) for layer in layers if layer.units == 8] == ([2] if shared else [1, 1])


def test_an_actor_with_two_heads_and_its_critics():
    policy = SAC("MlpPolicy", Box(VECTOR, CONTINUOUS), policy_kwargs={"net_arch": [8, 6]}).policy
    assert found(policy.actor, torch.zeros(1, 4)) == {
        "latent_pi.0": (8, ["latent_pi.2"]),
        "latent_pi.2": (6, ["log_std", "mu"]),
    }
    critics = found(policy.critic, torch.zeros(1, 4), torch.zeros(1, 2))
    assert list(critics) == ["qf0.0", "qf0.2", "qf1.0", "qf1.2"]


def test_the_q_network_of_dqn():
    policy = DQN("MlpPolicy", Box(VECTOR, DISCRETE), buffer_size=10, policy_kwargs={"net_arch": [8, 6]}).policy
    assert found(policy.q_net, torch.zeros(1, 4)) == {"q_net.0": (8, ["q_net.2"]), "q_net.2": (6, ["q_net.4"])}


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inward, self.down, self.up, self.out = nn.Linear(4, 6), nn.Linear(6, 3), nn.Linear(3, 6), nn.Linear(6, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        stream = self.inward(x)
        stream = stream + self.up(torch.relu(self.down(stream)))
        return self.out(stream)


def test_all_producers_of_a_residual_stream_are_one_group():
    layers = hidden_layers(Residual(), torch.zeros(1, 4))
    assert shape(layers) == {"inward": (6, ["down", "out"]), "down": (3, ["up"])}
    assert [port.name for port in layers[0].produced_by] == ["inward", "up"]


class Concatenation(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right, self.out = nn.Linear(4, 3), nn.Linear(4, 2), nn.Linear(9, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(torch.cat([torch.relu(self.left(x)), x, torch.tanh(self.right(x))], 1))


def test_a_concatenation_gives_each_layer_its_own_columns():
    left, right = hidden_layers(Concatenation(), torch.zeros(1, 4))
    assert left.read_by[0].index.tolist() == [[0], [1], [2]]
    assert right.read_by[0].index.tolist() == [[7], [8]]


def test_channels_own_the_columns_of_their_places_after_flattening():
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 2))
    layer = hidden_layers(network, torch.zeros(1, 1, 6, 6))[0]
    assert layer.read_by[0].index.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]


def test_batch_norm_belongs_to_the_units():
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 2, 3))
    layers = hidden_layers(network, torch.zeros(2, 1, 6, 6))
    assert [port.name for port in layers[0].normed_by] == ["1"]
    assert not layers[0].is_audible


def test_a_layer_norm_makes_newborn_units_audible_and_says_so():
    network = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3), nn.ReLU(), nn.Linear(3, 2))
    layer = hidden_layers(network, torch.zeros(1, 4))[0]
    assert layer.is_audible
    with pytest.raises(AssertionError, match="newborn units of `0` move the output"):
        assert_function_preserving(network, [layer], torch.ones(1, 4))


def test_layers_named_in_ignore_are_left_alone():
    network = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2))
    assert list(shape(hidden_layers(network, torch.zeros(1, 4), ignore=["0"]))) == ["2"]


def test_finding_draws_nothing_and_leaves_modes_and_weights():
    network = nn.Sequential(nn.Linear(4, 3), nn.Dropout(), nn.BatchNorm1d(3), nn.Linear(3, 2))
    network[1].eval()
    before, stream = [value.clone() for value in network.state_dict().values()], torch.get_rng_state()
    hidden_layers(network, torch.zeros(2, 4))
    assert [module.training for module in network] == [True, False, True, True]
    assert all(torch.equal(a, b) for a, b in zip(before, network.state_dict().values(), strict=True))
    assert torch.equal(stream, torch.get_rng_state())


class Heard(nn.Module):
    """Returns its hidden units beside the output."""

    def __init__(self) -> None:
        super().__init__()
        self.inward, self.out = nn.Linear(4, 3), nn.Linear(3, 2)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = self.inward(x)
        return self.out(hidden), hidden.sum(1)


def test_units_that_reach_the_output_by_another_way_are_refused_by_name():
    with pytest.raises(ValueError, match="`inward`: its units reach the output by a way that no layer reads"):
        hidden_layers(Heard(), torch.zeros(1, 4))


def test_a_greedy_action_says_which_module_to_give():
    class Greedy(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x).argmax(1)

    with pytest.raises(ValueError, match="no output of Greedy depends on a linear or convolutional layer"):
        hidden_layers(Greedy(4, 3), torch.zeros(1, 4))
