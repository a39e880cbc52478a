"""What examples take for granted, in small: a network, its data, an environment, a model."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor, VecNormalize
from torch import nn

from plastic_rl.runs import RunFolder
from plastic_rl.sb3 import TaskSwitch, remember_tasks
from plastic_rl.sb3.tasks import tasks_of
from tests.docs.prelude import Prelude
from tests.streams.written import write_cifar100

Makers = Mapping[str, Callable[[Prelude], Any]]


def named_network(_: Prelude) -> nn.Module:
    network = nn.Sequential()
    for name, layer in (("fc1", nn.Linear(8, 16)), ("relu1", nn.ReLU()), ("fc2", nn.Linear(16, 16))):
        network.add_module(name, layer)
    for name, layer in (("norm", nn.LayerNorm(16)), ("relu2", nn.ReLU()), ("head", nn.Linear(16, 10))):
        network.add_module(name, layer)
    return network


def plain_network(_: Prelude) -> nn.Module:
    return nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 4))


def optimizer(given: Prelude) -> Any:
    return given["ContinualBackprop"](torch.optim.Adam(given["network"].parameters()), given["layers"])


def world() -> gymnasium.Env:
    """A world that changes within a few steps."""
    return gymnasium.make("plastic_rl.nonstationary:plastic_rl/PermutedCartPole-v0", seed=0, change_every=20)


def normalized_worlds(_: Prelude) -> VecNormalize:
    return VecNormalize(VecMonitor(DummyVecEnv([world])))


def remembering_model(given: Prelude) -> PPO:
    model = PPO("MlpPolicy", given["env"])
    remember_tasks(model)
    return model.learn(32, callback=TaskSwitch())


def losses(given: Prelude) -> Iterator[torch.Tensor]:
    return (given["network"](row).square().sum() for row in given["inputs"])


def interrupted_step(_: Prelude) -> Callable[[], None]:
    return lambda: signal.raise_signal(signal.SIGINT)


def prepared_folder(_: Prelude) -> RunFolder:
    folder = RunFolder(Path("run"))
    folder.prepare(fresh=False)
    return folder


MAKERS: Makers = {
    "torch": lambda _: torch,
    "nn": lambda _: nn,
    "gymnasium": lambda _: gymnasium,
    "partial": lambda _: partial,
    "Path": lambda _: Path,
    "network": named_network,
    "example": lambda _: torch.zeros(1, 8),
    "example_input": lambda given: given["example"],
    "inputs": lambda _: torch.rand(32, 8),
    "targets": lambda _: torch.randint(0, 10, (32,)),
    "batches": lambda given: [(given["inputs"], given["targets"])] * 2,
    "losses": losses,
    "layers": lambda given: given["hidden_layers"](given["network"], given["example"]),
    "optimizer": optimizer,
    "evaluate": lambda given: lambda network: network(given["inputs"]),
    "tasks": lambda given: given["AdditiveDecomposition"](given["network"], heads=["head"]),
    "train_step": lambda given: given["optimizer"].step,
    "graph": lambda _: SimpleNamespace(replay=lambda: None),
    "env": lambda _: world(),
    "model": lambda given: PPO("MlpPolicy", given["env"]),
    "observation": lambda given: given["env"].observation_space.sample(),
    "method": lambda given: partial(given["ContinualBackprop"], replacement_rate=1e-4),
    "other": lambda given: partial(given["ContinualBackprop"], replacement_rate=1e-3),
}
"""What makes the names that any example may use."""

EXAMINED: Makers = {
    "network": plain_network,
    "make_network": lambda given: lambda: plain_network(given),
    "batch": lambda _: torch.randn(300, 8),
}

RECALLING: Makers = {
    "env": normalized_worlds,
    "evaluation_env": normalized_worlds,
    "task": lambda given: given["tasks"].tasks[0],
    "observations": lambda _: np.zeros((1, 4), dtype=np.float32),
}

FRESH: Makers = {"make_network": lambda given: lambda: plain_network(given), "batch": lambda _: torch.rand(32, 8)}

MAKERS_OF: dict[str, Makers] = {
    "docs/additive_parameter_decomposition.md": RECALLING,
    "docs/continual_backprop.md": {"network": plain_network},
    "docs/diagnostics.md": EXAMINED,
    "docs/doctor.md": EXAMINED,
    "plastic_rl.doctor.examination.examine": EXAMINED,
    "plastic_rl.nn.local.combined.CombinedTrunks": {"build_trunk": lambda given: lambda: named_network(given)},
    "plastic_rl.runs.interruption.Interruption": {"step": interrupted_step},
    "plastic_rl.runs.metrics.MetricsFile": {"path": lambda _: Path("metrics.jsonl")},
    "plastic_rl.runs.record.RunRecord": {"folder": prepared_folder},
    "plastic_rl.sb3.task_recall.recall_task": {
        **RECALLING,
        "model": remembering_model,
        "task": lambda given: tasks_of(given["model"]).tasks[0],
    },
    "plastic_rl.nonstationary.warp_worlds.WarpWorlds": {
        "frictions": lambda _: np.linspace(0.1, 1.0, 4096),
        "controls": lambda _: np.zeros((4096, 8)),
    },
}
"""What makes the names of one page, or of one docstring."""


def write_files(folder: Path) -> None:
    """Writes the files that examples read: a plain model, and CIFAR-100 with a few images of each class."""
    PPO("MlpPolicy", world()).save(folder / "old_plain_model")
    write_cifar100(folder / "data", train=5)
