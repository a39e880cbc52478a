"""Runs that begin with a saved model: what they are told apart by, how they go on, and what is refused."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from stable_baselines3 import PPO

from launch.command_line import main
from launch.recorded_settings import settings_from
from launch.run import run_folder
from launch.settings import identity, what_makes_the_result
from plastic_rl.runs.identity import identity as flat

TINY = ("track=off", "agent.rollout_steps=64", "agent.minibatch_size=64", "agent.epochs=1", "total_steps=128")
WORLD = ("env=permuted-cartpole", "env.change_every=64", *TINY)


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """Return the file of a model, of whose contents nothing is known, in a folder of one's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train.py"])
    (tmp_path / "model.zip").write_bytes(b"a model")
    return tmp_path / "model.zip"


def test_a_run_is_told_by_what_it_begins_with_and_not_by_where_that_lies(saved, settings_of):
    plain = settings_of("agent=ppo", *WORLD)
    assert not {"start_from", "reset"} & what_makes_the_result(plain).keys(), "runs of before are found"
    one = settings_of("agent=ppo", "start_from=model.zip", *WORLD)
    (saved.parent / "copy.zip").write_bytes(saved.read_bytes())
    paths = [run_folder(replace(one, start_from=name)).path for name in ("model.zip", str(saved), "copy.zip", ".")]
    assert len({*paths, run_folder(plain).path}) == 2
    (saved.parent / "copy.zip").write_bytes(b"another model")
    others = [replace(one, start_from="copy.zip"), replace(one, reset="head"), replace(one, reset="critic")]
    assert len({paths[0], *(run_folder(each).path for each in others)}) == 4
    assert settings_from({"settings": flat(identity(one))["settings"]}).start_from is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["agent=ppo", "start_from=nope.zip", *WORLD], "start_from=nope.zip: there is no nope.zip"),
        (["agent=ppo", "start_from=model.zip", *WORLD], "cannot be read as a model of Stable-Baselines3"),
        (["agent=ppo", "start_from=model.zip", "reset=all", *WORLD], "reset must be one of nothing, head, critic"),
        (["agent=ppo", "reset=head", *WORLD], "reset changes nothing without start_from=model.zip"),
        (["agent=sgd", "env=permuted-digits", "start_from=model.zip"], "is for agents that act in worlds"),
    ],
)
def test_what_cannot_be_begun_with_is_refused_before_there_is_a_folder(saved, words, said, capsys):
    assert main(words) == 2
    assert said in capsys.readouterr().err
    assert not Path("runs").exists()


def weights_of(model):
    return PPO.load(model).policy.state_dict()


def take_back(folder):
    """Make a finished run one that was stopped at its last checkpoint but one."""
    sorted((folder / "checkpoints").glob("*.pt"))[-1].unlink()
    (folder / "model.zip").unlink()
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, "status": "interrupted"}))


@pytest.mark.slow
def test_a_run_goes_on_from_a_saved_model_in_another_world_exactly(saved, capsys):
    assert main(["agent=ppo_cbp", *WORLD]) == 0
    (first,) = saved.parent.glob("runs/*/*/*")
    begins = ["agent=ppo_cbp", f"start_from={first}", "reset=critic", "env=permuted-cartpole", "env.change_every=32"]
    whole = [*begins, *TINY, "out=whole", "total_steps=256", "checkpoint_seconds=0.001"]
    assert main(whole) == 0
    assert main([*begins, *TINY, "out=parts", "total_steps=256", "seeds=2"]) == 0
    models = [next(saved.parent.glob(f"{out}/*/*/*-s0/model.zip")) for out in ("whole", "parts")]
    states = [weights_of(model) for model in models]
    take_back(models[0].parent)
    assert main(whole) == 0
    states.append(weights_of(models[0]))
    assert all(torch.equal(states[0][name], states[2][name]) for name in states[0]), "gone on with"
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0]), "alone, and beside another seed"
    assert f"start_from: {first}" in (models[0].parent / "config.yaml").read_text()
    capsys.readouterr()
    assert main([*begins, *TINY, "agent.hidden_units=32"]) == 2
    assert "is of another shape: mlp_extractor.policy_net.0.weight is [64, 4] there" in capsys.readouterr().err
