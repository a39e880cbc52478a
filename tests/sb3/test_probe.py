"""The probe of Stable-Baselines3's models: beside the training, and from the shell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from algorithms import pendulum
from stable_baselines3 import DQN, PPO, SAC
from training import EAGER, learn, make, same_optimizers, same_parameters

from plastic_rl.diagnostics.probing import ProbeSettings
from plastic_rl.probe.__main__ import main
from plastic_rl.sb3 import ProbeCallback, plastic, redraw
from plastic_rl.sb3.probing import copy_of, twins

TINY = ProbeSettings(repeats=2, updates=3, samples=64)


@pytest.mark.parametrize("lean", ["exact", pytest.param("off", marks=pytest.mark.slow)])
def test_a_run_with_probes_ends_with_the_weights_of_one_without(lean: str):
    models: list[Any] = []
    lines: list[dict[str, Any]] = []
    for callback in (None, ProbeCallback(64, TINY)):
        models.append(make(plastic(PPO), plasticity=EAGER, lean=lean))
        lines = learn(models[-1], 192, callback=callback)
    assert same_parameters(*models)
    assert same_optimizers(*models)
    names = {
        f"probe/{name}/{side}"
        for name in ("aged", "fresh", "gap", "gap_low", "gap_high")
        for side in ("actor", "critic")
    }
    assert names <= lines[0].keys()


OFF_POLICY: dict[str, Any] = {"learning_starts": 10, "batch_size": 8, "device": "cpu", "seed": 0}


@pytest.mark.parametrize(
    ("make_model", "parts"),
    [
        pytest.param(
            lambda: SAC("MlpPolicy", pendulum(), policy_kwargs={"net_arch": [8]}, **OFF_POLICY),
            {"actor", "critic"},
            marks=pytest.mark.slow,
        ),
        (lambda: DQN("MlpPolicy", "CartPole-v1", policy_kwargs={"net_arch": [8]}, **OFF_POLICY), {"q_net"}),
    ],
    ids=["SAC", "DQN"],
)
def test_off_policy_networks_are_probed_on_their_buffer(make_model: Any, parts: set[str]):
    model = make_model()
    probe = ProbeCallback(1000, TINY)
    model.learn(20, callback=probe)
    assert {name.split("/", 2)[2] for name in probe.probed()} == parts


def test_fresh_policies_are_drawn_as_the_model_was():
    model = make(plastic(PPO))
    redraw(model, "lecun_uniform_")
    (twin,) = twins(model, 1, 0)
    assert not twin.mlp_extractor.policy_net[0].bias.any()
    assert twin.action_net.weight.std().item() == pytest.approx(16**-0.5, rel=0.5)  # SB3 itself draws a hundredth
    same = copy_of(model).state_dict()
    assert all(torch.equal(value, same[name]) for name, value in model.policy.state_dict().items())


def test_a_saved_model_is_probed_from_the_shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    model = make(plastic(PPO), plasticity=EAGER)
    model.save(tmp_path / "fresh.zip")
    with torch.no_grad():
        for network in (model.policy.mlp_extractor.policy_net, model.policy.mlp_extractor.value_net):
            network[2].weight.zero_()  # nothing of an observation reaches the second layer
            network[2].bias.fill_(30.0)  # of tanh
    model.save(tmp_path / "aged.zip")
    few = ["--repeats", "3", "--updates", "60", "--learning-rate", "0.01"]
    assert main([str(tmp_path / "fresh.zip"), *few]) == 0
    assert "Learns as well as a fresh one." in capsys.readouterr().out
    assert main([str(tmp_path / "aged.zip"), *few, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["networks"]["actor"]["gap"]["low"] > 0.3
    assert found["networks"]["critic"]["aged"] == pytest.approx([1, 1, 1], abs=0.05)
    assert main([str(tmp_path / "nothing.zip")]) == 2
    assert "there is no such file" in capsys.readouterr().err


def test_a_probe_that_cannot_be_is_refused_before_the_model_is_read(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="2"):
        main(["nothing.zip", "--repeats", "1"])
    assert "repeats of a probe must be 2 or more, got 1" in capsys.readouterr().err
