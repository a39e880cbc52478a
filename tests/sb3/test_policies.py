"""Policies of images, of several inputs and of discrete observations, with trunks shared and separate."""

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.envs import (
    FakeImageEnv,
    IdentityEnvMultiBinary,
    IdentityEnvMultiDiscrete,
    SimpleMultiObsEnv,
)
from training import EAGER, OFF, learn, make, replaced, same_parameters

from plastic_rl.sb3 import layers_of, plastic, plastic_optimizers


def images() -> FakeImageEnv:
    env = FakeImageEnv(screen_height=40, screen_width=40, n_channels=1, discrete=True)
    env.observation_space.seed(0)  # its images are samples of the space
    return env


def rooms() -> SimpleMultiObsEnv:
    np.random.seed(0)  # noqa: NPY002 -- what its rooms look like is drawn from it
    return SimpleMultiObsEnv()


def test_a_shared_trunk_is_one_group_with_two_readers():
    model = make(plastic(PPO), "CnnPolicy", images(), policy_kwargs=cnn(), plasticity=EAGER)
    readers = {layer.name: sorted(port.name for port in layer.read_by) for layer in layers_of(model.policy)}
    assert readers["features_extractor.linear.0"] == ["action_net", "value_net"]
    assert len(readers) == 4
    learn(model, 64)
    assert replaced(model)[0] > 0


@pytest.mark.parametrize("algorithm", [PPO, DQN])
def test_a_frozen_features_extractor_stays_as_it_is_while_the_rest_is_replaced(algorithm: type):
    small = {"buffer_size": 50, "learning_starts": 4, "batch_size": 4, "train_freq": 1, "target_update_interval": 8}
    settings = {"n_steps": 16, "batch_size": 8, "n_epochs": 1} if algorithm is PPO else small
    kwargs = {"net_arch": [8], "features_extractor_kwargs": {"features_dim": 8}}
    model = plastic(algorithm)(
        "CnnPolicy", images(), policy_kwargs=kwargs, plasticity=EAGER, device="cpu", seed=0, **settings
    )
    network = model.policy if algorithm is PPO else model.q_net
    network.features_extractor.requires_grad_(False)
    before = [value.clone() for value in network.features_extractor.state_dict().values()]
    learn(model, 48)
    assert all(map(torch.equal, before, network.features_extractor.state_dict().values()))
    (optimizer,) = plastic_optimizers(model.policy)
    counts = {layer.name: optimizer.metrics()[f"cbp/replaced/{layer.name}"] for layer in optimizer.layers}
    frozen = {name for name in counts if name.startswith("features_extractor")}
    assert len(frozen) == 4
    assert {name for name, count in counts.items() if count} == counts.keys() - frozen


def test_separate_trunks_have_one_reader_each():
    model = make(plastic(PPO), "CnnPolicy", images(), policy_kwargs=cnn(share=False), plasticity=EAGER)
    readers = {layer.name: sorted(port.name for port in layer.read_by) for layer in layers_of(model.policy)}
    trunks = [name for name in readers if name.endswith("features_extractor.linear.0")]
    assert sorted(readers[name] for name in trunks) == [["action_net"], ["value_net"]]
    assert len(readers) == 8


def cnn(*, share: bool = True) -> dict:
    return {"share_features_extractor": share, "features_extractor_kwargs": {"features_dim": 16}}


def test_multi_input_policies_are_covered_extractors_included():
    policy_kwargs = {"net_arch": [16], "features_extractor_kwargs": {"cnn_output_dim": 16}}
    model = make(plastic(PPO), "MultiInputPolicy", rooms(), policy_kwargs=policy_kwargs, plasticity=EAGER)
    readers = {layer.name: sorted(port.name for port in layer.read_by) for layer in layers_of(model.policy)}
    assert readers["features_extractor.extractors.img.linear.0"] == [
        "mlp_extractor.policy_net.0",
        "mlp_extractor.value_net.0",
    ]
    learn(model, 64)
    assert replaced(model)[0] > 0


@pytest.mark.parametrize("env", [IdentityEnvMultiBinary(3), IdentityEnvMultiDiscrete(3)], ids=["bits", "choices"])
def test_observations_need_not_be_boxes(env: gymnasium.Env):
    model = make(plastic(PPO), env=env, plasticity=EAGER)
    learn(model, 64)
    assert replaced(model)[0] > 0


def test_q_networks_of_images_are_covered_extractor_included():
    settings = {"buffer_size": 50, "learning_starts": 4, "batch_size": 4, "train_freq": 1, "device": "cpu"}
    kwargs = {"net_arch": [8], "features_extractor_kwargs": {"features_dim": 8}}
    model = plastic(DQN)("CnnPolicy", images(), plasticity=EAGER, policy_kwargs=kwargs, **settings)
    names = [layer.name for layer in layers_of(model.policy)]
    extractor = [f"features_extractor.{part}" for part in ("cnn.0", "cnn.2", "cnn.4", "linear.0")]
    assert sorted(names) == sorted([*extractor, "q_net.0"])
    learn(model, 16)
    assert replaced(model)[0] > 0


@pytest.mark.parametrize("policy", ["CnnPolicy", "MultiInputPolicy"])
def test_off_means_gone_for_images_too(policy: str):
    env = images if policy == "CnnPolicy" else rooms
    small = {"n_steps": 16, "batch_size": 8, "n_epochs": 1, "policy_kwargs": {}}
    plain = make(PPO, policy, env(), **small)
    learn(plain, 32)
    ours = make(plastic(PPO), policy, env(), **small, plasticity=OFF)
    learn(ours, 32)
    assert same_parameters(plain, ours)
