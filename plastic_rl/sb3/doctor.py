"""Scans the network of a saved SB3 model, without its environment: units, ranks, growth of weights, advice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.save_util import load_from_zip_file
from torch import Tensor, nn

from plastic_rl.diagnostics import mean_magnitude, report
from plastic_rl.errors import UserError
from plastic_rl.layers import HiddenLayer
from plastic_rl.sb3.attachment import Q_NETWORKS, owned_layers
from plastic_rl.sb3.example import example

# Shares of units and of rank, and growth of weights, from which on advice is given.
MANY_DEAD, MANY_DORMANT, LOW_RANK, MUCH_GROWTH = 0.2, 0.3, 0.1, 3.0


@dataclass(frozen=True)
class LayerScan:
    """The state of one layer.

    Args:
        name: of the layer.
        units: its width.
        dead: the share of units above zero on at most 1 % of the observations.
        dormant: the share with ReDo's score at most 0.025.
        rank: exp of the entropy of the singular values, as a share of the width.
        growth: mean |w| of the weights that produce it, over that of a fresh initialisation.
    """

    name: str
    units: int
    dead: float
    dormant: float
    rank: float
    growth: float


@dataclass(frozen=True)
class Scan:
    """The state of a model's network.

    Args:
        layers: each of them.
        probe: where the observations come from.
    """

    layers: list[LayerScan]
    probe: str

    def __str__(self) -> str:
        width = max(len(layer.name) for layer in self.layers)
        head = f"{'layer':<{width}}  units   dead  dormant  effective rank  weights / fresh"
        rows = [
            f"{layer.name:<{width}}  {layer.units:>5}  {layer.dead:>5.0%}  {layer.dormant:>7.0%}  {layer.rank:>14.0%}  "
            f"{layer.growth:>14.2f}x"
            for layer in self.layers
        ]
        return "\n".join([f"Looked at with {self.probe}.", head, *rows, *advice(self.layers)])


def advice(layers: list[LayerScan]) -> Iterator[str]:
    """The advice, a sentence for each complaint."""
    complaints = [
        ([layer for layer in layers if layer.dead >= MANY_DEAD], "many dead units: replace them (ContinualBackprop)"),
        ([layer for layer in layers if layer.dormant >= MANY_DORMANT], "many dormant units: replace or recycle them"),
        ([layer for layer in layers if layer.rank <= LOW_RANK], "few directions in use: a wider layer would not help"),
        ([layer for layer in layers if layer.growth >= MUCH_GROWTH], "weights have grown: try weight decay"),
    ]
    found = [f"{', '.join(layer.name for layer in those)}: {text}." for those, text in complaints if those]
    yield from found or ["No sign of a loss of plasticity."]


def scan(path: Path, observations: Path | None = None, samples: int = 1024) -> Scan:
    """Looks at the network of a saved model with a batch of observations.

    Args:
        path: of the zip that SB3 saved.
        observations: an .npy of observations, one a row; without it they are drawn from the observation space
            (uniform, standard normal where it is unbounded), which says less: an agent sees other ones.
        samples: how many to draw.

    Raises:
        UserError: there is no such file, or it is not what it should be.
    """
    data, parameters = saved(path)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        policy, fresh = built(data), built(data)
        load(policy, parameters, path)
        batch, probe = probed(data["observation_space"], observations, samples)
        networks = zip(owned_layers(policy, ()), owned_layers(fresh, ()), strict=True)
        found = [
            each
            for (owner, layers), (_, fresh_layers) in networks
            for each in looked_at(owner, layers, fresh_layers, batch)
        ]
    if not found:
        raise UserError(f"{path}: the policy has no hidden layer whose units could be looked at")
    return Scan(found, probe)


def saved(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings and parameters in a file of SB3."""
    if not path.is_file():
        raise UserError(f"{path}: there is no such file; give a model saved by Stable-Baselines3 (model.save(...))")
    try:
        data, parameters, _ = load_from_zip_file(path, device="cpu")
    except Exception as error:
        raise UserError(f"{path}: cannot be read as a model of Stable-Baselines3 ({error})") from error
    if not data or "policy" not in parameters or "policy_class" not in data:
        raise UserError(f"{path}: holds no policy; give a model saved by Stable-Baselines3 (model.save(...))")
    return data, parameters


def built(data: dict[str, Any]) -> Any:
    """The policy of a saved model, freshly initialised."""
    given = {"use_sde": data["use_sde"]} if data.get("use_sde") else {}
    arguments = {**given, **(data.get("policy_kwargs") or {})}
    return data["policy_class"](data["observation_space"], data["action_space"], lambda _: 0.0, **arguments)


def load(policy: nn.Module, parameters: dict[str, Any], path: Path) -> None:
    """Puts saved parameters into a policy."""
    try:
        policy.load_state_dict(parameters["policy"])
    except RuntimeError as error:
        raise UserError(f"{path}: its parameters do not fit the policy that its settings describe ({error})") from error


def probed(space: Any, file: Path | None, samples: int) -> tuple[Any, str]:
    """A batch of observations, and where it comes from in words."""
    if file is None:
        space.seed(0)
        drawn = [space.sample() for _ in range(samples)]
        names = drawn[0] if isinstance(drawn[0], dict) else None
        batch = np.stack(drawn) if names is None else {name: np.stack([each[name] for each in drawn]) for name in names}
        return batch, f"{samples} observations drawn from the observation space (--observations gives real ones)"
    try:
        batch = np.load(file)
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: cannot be read as an .npy of observations ({error})") from error
    if batch.shape[1:] != space.shape:
        raise UserError(f"{file}: has rows of shape {batch.shape[1:]}, the model observes {space.shape}")
    return batch, f"{len(batch)} observations of {file}"


def looked_at(owner: Any, layers: list[HiddenLayer], fresh: list[HiddenLayer], batch: Any) -> Iterator[LayerScan]:
    """Scans the layers that one optimiser trains; ``fresh`` are the same ones of an untrained network."""
    network = next((getattr(owner, name) for name in Q_NETWORKS if hasattr(owner, name)), owner)
    observations, _ = network.obs_to_tensor(batch)
    count = len(next(iter(batch.values())) if isinstance(batch, dict) else batch)
    beside = [spread(argument, count) for argument in example(network)[1:]]
    with torch.no_grad():
        numbers = report(layers, lambda: network(observations, *beside))
    for layer, start in zip(layers, fresh, strict=True):
        dead, dormant = numbers[f"units/dead/{layer.name}"], numbers[f"units/dormant/{layer.name}"]
        rank = numbers[f"rank/effective/{layer.name}"]
        yield LayerScan(layer.name, layer.units, dead, dormant, rank, growth(layer, start))


def spread(argument: Any, count: int) -> Any:
    """The input of a network beside the observations, for a batch of them: actions are drawn from [-1, 1]."""
    if not isinstance(argument, Tensor):
        return argument
    return torch.empty(count, argument.shape[1]).uniform_(-1, 1) if argument.ndim > 1 else argument.expand(count)


def growth(layer: HiddenLayer, fresh: HiddenLayer) -> float:
    """Mean |w| of the weights that produce a layer, over that of a fresh initialisation."""
    now, then = (mean_magnitude([port.weight for port in each.produced_by]) for each in (layer, fresh))
    return (now / then).item()
