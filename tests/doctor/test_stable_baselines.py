"""The doctor on SB3 models: forecasts in environment steps that come true, and scans of saved files."""

import subprocess
import sys
from functools import partial

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import DQN, PPO, SAC, TD3

from plastic_rl.doctor import doctor
from plastic_rl.doctor.__main__ import main
from plastic_rl.errors import UserError
from plastic_rl.optim import ContinualBackprop
from plastic_rl.sb3 import plastic
from plastic_rl.sb3.doctor import LayerScan, advice, scan

OFF_POLICY = {"learning_starts": 20, "buffer_size": 100, "batch_size": 8, "train_freq": 2, "gradient_steps": 1}
ON_POLICY = {"n_steps": 32, "batch_size": 16, "n_epochs": 3}
METHOD = partial(ContinualBackprop, replacement_rate=0.01, maturity_threshold=10)


def small():
    # SB3 writes into the dictionary that it is given.
    return {"policy_kwargs": {"net_arch": [16, 16]}, "device": "cpu", "seed": 0}


def first_replacement(model, limit):
    """The environment step by which the first unit has been replaced, in each optimiser."""
    seen = {}
    owners = {id(each.optimizer): each.optimizer for each in model.policy.modules() if hasattr(each, "optimizer")}

    def look(*_):
        for optimizer in owners.values():
            if optimizer.metrics()["cbp/replaced"] and id(optimizer) not in seen:
                seen[id(optimizer)] = model.num_timesteps
        return True

    train = model.train
    model.train = lambda *args, **kwargs: (train(*args, **kwargs), look())[0]
    model.learn(limit)
    return set(seen.values())


@pytest.mark.parametrize(
    ("algorithm", "world", "settings"),
    [
        (PPO, "CartPole-v1", ON_POLICY),
        (DQN, "CartPole-v1", OFF_POLICY),
        (SAC, "Pendulum-v1", OFF_POLICY),
        (TD3, "Pendulum-v1", OFF_POLICY),
    ],
)
def test_the_first_replacement_comes_at_the_environment_step_that_was_forecast(algorithm, world, settings):
    model = plastic(algorithm)("MlpPolicy", world, plasticity=METHOD, **small(), **settings)
    forecasts = {layer.pace.environment_step(layer.first_update) for layer in doctor(model).layers}
    assert first_replacement(model, max(forecasts) + 40) == forecasts


def test_the_line_names_the_environment_step():
    model = plastic(PPO)(
        "MlpPolicy", "CartPole-v1", plasticity=METHOD, n_steps=64, batch_size=32, n_epochs=1, **small()
    )
    # Update 17 is the first of the ninth rollout of two updates.
    assert "first replacement at update 17 = environment step 576, then" in doctor(model).line
    assert "The run has 10 updates" in doctor(model, run_length=320).line


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
