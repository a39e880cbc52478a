"""Scans of saved SB3 models."""

import subprocess
import sys
from functools import partial

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import DQN, PPO, SAC, TD3

from plastic_rl.doctor.__main__ import main
from plastic_rl.errors import UserError
from plastic_rl.optim import ContinualBackprop
from plastic_rl.sb3 import plastic
from plastic_rl.sb3.doctor import LayerScan, advice, scan

METHOD = partial(ContinualBackprop, replacement_rate=0.01, maturity_threshold=10)


def small():
    # SB3 writes into the dictionary that it is given.
    return {"policy_kwargs": {"net_arch": [16, 16]}, "device": "cpu", "seed": 0}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model one of whose hidden layers is dead, and whose weights have grown five times."""
    path = tmp_path_factory.mktemp("doctor") / "model.zip"
    kwargs = {"net_arch": [16, 16], "activation_fn": torch.nn.ReLU}
    model = PPO("MlpPolicy", "CartPole-v1", device="cpu", seed=0, n_steps=8, batch_size=8, policy_kwargs=kwargs)
    with torch.no_grad():
        model.policy.mlp_extractor.policy_net[2].bias.fill_(-1e9)
        model.policy.mlp_extractor.value_net[0].weight.mul_(5)
    model.save(path)
    return path


def test_a_scan_finds_dead_units_and_grown_weights(saved):
    found = {layer.name: layer for layer in scan(saved).layers}
    assert found["mlp_extractor.policy_net.2"].dead == 1.0
    assert found["mlp_extractor.policy_net.0"].dead < 0.5
    assert found["mlp_extractor.value_net.0"].growth == pytest.approx(5, rel=0.3)
    assert found["mlp_extractor.policy_net.0"].growth == pytest.approx(1, rel=0.3)


def test_a_scan_leaves_the_random_stream_alone(saved):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    scan(saved)
    assert torch.equal(torch.rand(1), expected)


def test_observations_of_a_file_are_used(saved, tmp_path):
    np.save(tmp_path / "observations.npy", np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32))
    assert scan(saved, tmp_path / "observations.npy").probe.startswith("50 observations of")
    np.save(tmp_path / "wrong.npy", np.zeros((50, 3), dtype=np.float32))
    with pytest.raises(UserError, match=r"rows of shape \(3,\), the model observes \(4,\)"):
        scan(saved, tmp_path / "wrong.npy")


@pytest.mark.parametrize(("algorithm", "world"), [(SAC, "Pendulum-v1"), (DQN, "CartPole-v1"), (TD3, "Pendulum-v1")])
def test_models_with_several_networks_are_scanned(algorithm, world, tmp_path):
    algorithm("MlpPolicy", gym.make(world), buffer_size=100, **small()).save(tmp_path / "model")
    layers = scan(tmp_path / "model.zip", samples=64).layers
    assert len(layers) == {SAC: 2 + 4, DQN: 2, TD3: 2 + 4}[algorithm]


def test_a_plastic_model_is_scanned(tmp_path):
    model = plastic(PPO)("MlpPolicy", "CartPole-v1", plasticity=METHOD, n_steps=8, batch_size=8, **small())
    model.save(tmp_path / "model.zip")
    assert len(scan(tmp_path / "model.zip", samples=64).layers) == 4


def test_the_command_prints_the_table_and_advice(saved, capsys):
    assert main([str(saved), "--samples", "200"]) == 0
    out = capsys.readouterr().out
    assert "200 observations drawn from the observation space" in out
    assert "mlp_extractor.policy_net.2: many dead units" in out
    assert "mlp_extractor.value_net.0: weights have grown" in out


def test_a_missing_file_is_one_line_and_an_exit_code(tmp_path):
    command = [sys.executable, "-m", "plastic_rl.doctor", str(tmp_path / "none.zip")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("error: ")
    assert "there is no such file" in done.stderr


def test_a_corrupt_file_is_refused(tmp_path):
    (tmp_path / "model.zip").write_bytes(b"PK\x03\x04 and then nothing of use")
    with pytest.raises(UserError, match="cannot be read as a model of Stable-Baselines3"):
        scan(tmp_path / "model.zip")


def test_a_healthy_network_is_told_so():
    assert list(advice([LayerScan("a", 8, 0.0, 0.0, 0.9, 1.1)])) == ["No sign of a loss of plasticity."]
