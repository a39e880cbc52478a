"""Saved models of SB3 whose networks are as they are written to be."""

from __future__ import annotations

import base64
import json
import zipfile
from pathlib import Path
from typing import Any

import cloudpickle
import gymnasium
import torch
from stable_baselines3 import DQN, PPO, SAC
from torch import nn

WORLDS = {PPO: "CartPole-v1", SAC: "Pendulum-v1", DQN: "CartPole-v1"}
WIDTH = 32


def model_of(algorithm: Any, activation: type[nn.Module] = nn.ReLU, **settings: Any) -> Any:
    """Return a fresh, small model."""
    kind = next(each for each in WORLDS if issubclass(algorithm, each))
    small = {} if kind is PPO else {"buffer_size": 10}
    kwargs = {"net_arch": [WIDTH, WIDTH], "activation_fn": activation, **settings.pop("policy_kwargs", {})}
    world = gymnasium.make(WORLDS[kind])
    return algorithm("MlpPolicy", world, policy_kwargs=kwargs, device="cpu", seed=3, **small, **settings)


def hidden(model: Any) -> list[nn.Linear]:
    """Return the layers that produce hidden units."""
    layers = [module for module in model.policy.modules() if isinstance(module, nn.Linear)]
    return [layer for layer in layers if layer.out_features == WIDTH]


@torch.no_grad()
def trained(model: Any) -> None:
    """Moves the weights a little, as healthy training does."""
    for layer in hidden(model):
        layer.weight += 0.3 * layer.weight.std() * torch.randn_like(layer.weight)
        layer.bias += 0.05 * torch.randn_like(layer.bias)


@torch.no_grad()
def saturated(model: Any) -> None:
    """Holds each unit at one end of its range, half of them at either."""
    for layer in hidden(model):
        layer.bias.copy_(torch.tensor([20.0, -20.0]).repeat(WIDTH // 2))


@torch.no_grad()
def half_dead(model: Any) -> None:
    """Silences every other unit."""
    for layer in hidden(model):
        layer.bias[::2] = -1e3


@torch.no_grad()
def collapsed(model: Any) -> None:
    """Lets all units of a layer hear the same."""
    for layer in hidden(model):
        layer.weight.copy_(layer.weight[:1].abs().expand_as(layer.weight))


def rewritten(
    source: Path, target: Path, *, data: dict[str, Any] | None = None, files: dict[str, bytes] | None = None
) -> Path:
    """Return a zip with some settings pickled anew and some files replaced."""
    files = files or {}
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = files.get(name, old.read(name))
            if name == "data" and data is not None:
                content = json.dumps({**json.loads(content), **{k: pickled(v) for k, v in data.items()}}).encode()
            new.writestr(name, content)
    return target


def pickled(value: Any) -> dict[str, str]:
    """Return a setting as SB3 writes it."""
    code = value if isinstance(value, bytes) else cloudpickle.dumps(value)
    return {":type:": "<class 'object'>", ":serialized:": base64.b64encode(code).decode()}
