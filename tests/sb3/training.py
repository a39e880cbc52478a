"""Short trainings, what they log, and other processes in other folders."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import KVWriter, Logger

from plastic_rl.optim import ContinualBackprop
from plastic_rl.runs import RunFolder, Track
from plastic_rl.sb3 import plastic_optimizers, train_model

ROOT = Path(__file__).parents[2]
EAGER = partial(ContinualBackprop, replacement_rate=0.05, maturity_threshold=2)
OFF = partial(ContinualBackprop, replacement_rate=0.0, maturity_threshold=0)


class Lines(KVWriter):
    """An output format that keeps each dump, without the numbers that depend on the machine's speed."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, Any], step: int = 0) -> None:
        kept = {key: value for key, value in key_values.items() if key not in ("time/fps", "time/time_elapsed")}
        self.lines.append({"step": step, **kept})

    def close(self) -> None:
        pass


def make(
    algorithm: Callable[..., Any] = PPO, policy: str = "MlpPolicy", env: Any = "CartPole-v1", **settings: Any
) -> Any:
    """A small PPO, or its plastic twin."""
    small = {"n_steps": 64, "batch_size": 32, "n_epochs": 2, "seed": 0, "device": "cpu"}
    return algorithm(policy, env, **{**small, "policy_kwargs": {"net_arch": [16, 16]}, **settings})


def learn(model: BaseAlgorithm, steps: int, **settings: Any) -> list[dict[str, Any]]:
    """Trains a model and returns what it logged."""
    writer = Lines()
    model.set_logger(Logger(None, [writer]))
    model.learn(steps, log_interval=1, **settings)
    return writer.lines


def same_parameters(first: BaseAlgorithm, second: BaseAlgorithm) -> bool:
    """Whether policies, target networks included, are bit for bit the same."""
    ours, theirs = first.policy.state_dict(), second.policy.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def same_optimizers(first: BaseAlgorithm, second: BaseAlgorithm) -> bool:
    """Whether all that the optimisers hold is the same, but for what a method adds."""
    names = [name for name in first._get_torch_save_params()[0] if name.endswith("optimizer")]
    ours, theirs = first.get_parameters(), second.get_parameters()
    return bool(names) and all(are_equal(core(ours[name]), core(theirs[name])) for name in names)


def core(state: dict[str, Any]) -> dict[str, Any]:
    return {"state": state["state"], "param_groups": state["param_groups"]}


def are_equal(first: Any, second: Any) -> bool:
    """Whether two nests of dicts, lists, tensors and plain values are the same."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(are_equal(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(are_equal(a, b) for a, b in zip(first, second, strict=True))
    return torch.equal(first, second) if isinstance(first, torch.Tensor) else first == second


def learn_in(path: Path, model: Any, total_steps: int, **options: Any) -> Any:
    """Trains a model in a run's folder, from where the folder's last training ended; returns the model."""
    folder = RunFolder(path)
    folder.prepare(fresh=False)
    try:
        train_model(model, total_steps, folder, track=Track.off, **options)
    finally:
        folder.release()
    return model


def replaced(model: BaseAlgorithm) -> list[int | float]:
    """How many units each optimiser of a model has replaced."""
    return [optimizer.metrics()["cbp/replaced"] for optimizer in plastic_optimizers(model.policy)]


def memories(model: BaseAlgorithm) -> list[dict[str, Any]]:
    """What the method remembers, for each optimiser."""
    return [optimizer.state_dict()["ContinualBackprop"] for optimizer in plastic_optimizers(model.policy)]


def elsewhere(script: str, folder: Path, *arguments: object) -> str:
    """Runs a script in another process and folder, and returns what it printed."""
    paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    command = [sys.executable, "-W", "ignore", "-c", script, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
