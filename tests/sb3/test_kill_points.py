"""Runs killed after each of their checkpoints in turn: the rest is written as if nothing had happened."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from training import same_parameters

from plastic_rl.nonstationary import Cycle, Every, Nonstationary, PermuteObservations
from plastic_rl.runs import RunFolder, read_metrics, seed_everything
from plastic_rl.sb3 import detect_tasks, fresh_at_changes, remember_tasks, train_model

COPIES = 3
SMALL = {"n_steps": 16, "batch_size": 24, "n_epochs": 1, "policy_kwargs": {"net_arch": [8]}, "seed": 0, "device": "cpu"}
TOTAL = 6 * COPIES * SMALL["n_steps"]


def world() -> Monitor:
    changing = Nonstationary(
        gymnasium.make("CartPole-v1"), PermuteObservations(), Cycle(Every(45), 3), copies=COPIES, seed=1
    )
    return Monitor(changing)


def plain() -> PPO:
    return PPO("MlpPolicy", DummyVecEnv([world] * COPIES), **SMALL)


def remembering() -> PPO:
    model = PPO("MlpPolicy", VecNormalize(DummyVecEnv([world] * COPIES)), **SMALL)
    remember_tasks(model)
    return model


def detecting() -> PPO:
    model = PPO("MlpPolicy", DummyVecEnv([world] * COPIES), **SMALL)
    remember_tasks(model, first_task=0)
    detect_tasks(model)
    return model


def starting_afresh() -> PPO:
    make = partial(PPO, "MlpPolicy", **{name: value for name, value in SMALL.items() if name != "seed"})
    model = make(VecNormalize(DummyVecEnv([world] * COPIES)), seed=0)
    fresh_at_changes(model, make)
    return model


def trained_in(path: Path, make: Callable[[], PPO], *, keep: int = 1) -> PPO:
    seed_everything(0)
    model, folder = make(), RunFolder(path)
    folder.checkpoints.keep = keep
    folder.prepare(fresh=False)
    try:
        train_model(model, TOTAL, folder, checkpoint_seconds=0.0)
    finally:
        folder.release()
    return model


def left_by_a_kill(whole: Path, checkpoint: Path, path: Path) -> Path:
    """A folder as a kill leaves it some time after a checkpoint: the metrics have gone on, the record has not."""
    (path / "checkpoints").mkdir(parents=True)
    shutil.copy(checkpoint, path / "checkpoints")
    for name in ("metrics.jsonl", "tasks.jsonl"):
        shutil.copy(whole / name, path)
    (path / "run.json").write_text(json.dumps({"status": "running", "seconds": 1.0, "resumes": 0}))
    return path


def lines_without_times(path: Path) -> list[dict[str, Any]]:
    lines = read_metrics(path / "metrics.jsonl")
    return [{name: value for name, value in line.items() if not name.startswith("time/")} for line in lines]


def straddles(checkpoint: Path) -> bool:
    """Whether the copies of the world are in different tasks: what the test below stands on."""
    return len(set(torch.load(checkpoint, weights_only=True)["tasks_of_copies"].values())) > 1


SLOW = [pytest.param(make, marks=pytest.mark.slow) for make in (detecting, starting_afresh)]


@pytest.mark.parametrize("make", [plain, remembering, *SLOW])
def test_a_run_killed_after_any_checkpoint_writes_what_it_would_have_written(tmp_path: Path, make: Callable[[], PPO]):
    whole = trained_in(tmp_path / "whole", make, keep=1000)
    expected, checkpoints = lines_without_times(tmp_path / "whole"), RunFolder(tmp_path / "whole").checkpoints._paths()
    assert len(checkpoints) == 7
    assert sum(straddles(checkpoint) for checkpoint in checkpoints) >= 1
    for checkpoint in checkpoints:
        path = left_by_a_kill(tmp_path / "whole", checkpoint, tmp_path / checkpoint.stem)
        assert same_parameters(whole, trained_in(path, make))
        assert lines_without_times(path) == expected, checkpoint.name
        assert (path / "tasks.jsonl").read_text() == (tmp_path / "whole" / "tasks.jsonl").read_text()
