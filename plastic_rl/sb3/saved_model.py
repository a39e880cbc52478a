"""A model that SB3 has saved, read without its environment, and unless it is trusted without running what it brings.

SB3 saves a zip of parameters and a file `data` of settings, each of which may be a pickle; a pickle can run any code
when it is loaded. Here parameters are read as torch reads weights alone, and of the settings only those that make the
policy, as descriptions (:mod:`plastic_rl.sb3.inert_pickle`) of which only known objects are made.
"""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.save_util import load_from_zip_file
from torch import nn

from plastic_rl.errors import UserError
from plastic_rl.layers import layer_order
from plastic_rl.optim.injected_head import ends_among
from plastic_rl.optim.injected_layer import InjectedLayer, injected_in
from plastic_rl.sb3.attachment import layers_of
from plastic_rl.sb3.inert_pickle import described
from plastic_rl.sb3.known_objects import Refused, known
from plastic_rl.sb3.redrawing import redrawn
from plastic_rl.seeding import seed_for_now

# What makes a policy ...
NEEDED = ("policy_class", "observation_space", "action_space")
OPTIONAL = ("policy_kwargs", "use_sde", "ignore", "initialiser", "_last_obs", "_last_original_obs", "train_freq")
# ... but for these, which only make its optimiser, or say where it lives.
UNUSED = ("optimizer_class", "optimizer_kwargs", "device")

TRUST = "a file that you trust can be loaded whole, with all that it brings: --trust"


@dataclass(frozen=True)
class SavedModel:
    """A saved model's policy, and what else is known of it.

    Args:
        policy: as it was saved.
        fresh: several of the same make, freshly initialised.
        methods: the names of the plasticity methods in its optimisers' states.
        ignored: names of layers that its method leaves alone.
        last: the observations that it saw last, one for each of its environments; None where it has not seen any.
        is_normalised: whether it shows that a `VecNormalize` stood between its environment and it.
    """

    policy: Any
    fresh: list[Any]
    methods: list[str]
    ignored: list[str]
    last: Any
    is_normalised: bool

    @property
    def observation_space(self) -> spaces.Space[Any]:
        """The space of what the policy takes in."""
        return self.policy.observation_space


def read_model(path: Path, *, fresh_copies: int = 1, trust: bool = False) -> SavedModel:
    """Reads a model from a file, on the CPU; the global random-number stream is not touched.

    Args:
        path: of the zip that SB3 saved.
        fresh_copies: how many policies of the same make to initialise beside it.
        trust: load all of it, as SB3 does, and thereby run whatever code it holds.

    Raises:
        UserError: it is no such file, or holds what is not loaded unless it is trusted.
    """
    if not path.is_file():
        raise UserError(f"{path}: there is no such file; give a model saved by Stable-Baselines3 (model.save(...))")
    try:
        with zipfile.ZipFile(path) as archive:
            parameters, methods = _parameters(archive, path), sorted(set(_methods(archive, path)))
            settings = _trusted(path) if trust else dict(_settings(archive, path))
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise UserError(f"{path}: cannot be read as a model of Stable-Baselines3 ({error})") from error
    with torch.random.fork_rng(devices=[]):
        seed_for_now(0)
        policy, *fresh = (_policy(settings, path) for _ in range(1 + fresh_copies))
    _load(policy, parameters, path)
    ignored, last = settings.get("ignore"), settings.get("_last_obs")
    return SavedModel(policy, fresh, methods, list(ignored or []), last, _is_normalised(settings))


def _is_normalised(settings: dict[str, Any]) -> bool:
    """True if a model shows that it was behind a `VecNormalize`; off-policy algorithms do not show it."""
    return settings.get("_last_original_obs") is not None and settings.get("train_freq") is None


def _parameters(archive: zipfile.ZipFile, path: Path) -> Any:
    if not {"data", "policy.pth"} <= set(archive.namelist()):
        raise UserError(f"{path}: holds no policy; give a model saved by Stable-Baselines3 (model.save(...))")
    return weights_of(archive, "policy.pth", path)


def weights_of(archive: zipfile.ZipFile, name: str, path: Path) -> Any:
    """The contents of a file that may hold tensors and plain values, and nothing else."""
    try:
        return torch.load(io.BytesIO(archive.read(name)), map_location="cpu", weights_only=True)
    except Exception as error:
        named = re.search(r"GLOBAL ([\w.]+\w)", str(error))
        reason = f"it holds {named[1]}" if named else "it is damaged"
        raise UserError(f"{path}: {name} is not weights and nothing else: {reason}") from error


def _methods(archive: zipfile.ZipFile, path: Path) -> Iterator[str]:
    """The memories of methods in optimisers' states: each by the name of its class, with a number if there are two."""
    for name in archive.namelist():
        if name.endswith("optimizer.pth"):
            state = weights_of(archive, name, path)
            entries = [entry for entry in state if isinstance(entry, str)] if isinstance(state, dict) else []
            yield from (entry.partition(".")[0] for entry in entries if entry[:1].isupper())


def _trusted(path: Path) -> dict[str, Any]:
    try:
        data, _, _ = load_from_zip_file(path, device="cpu")
    except Exception as error:
        raise UserError(f"{path}: cannot be read as a model of Stable-Baselines3 ({error})") from error
    return data or {}


def _settings(archive: zipfile.ZipFile, path: Path) -> Iterator[tuple[str, Any]]:
    """The settings that make a policy, by name, without running anything."""
    try:
        entries = json.loads(archive.read("data"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: its settings are no JSON ({error})") from error
    for name in (*NEEDED, *OPTIONAL):
        if isinstance(entries, dict) and name in entries:
            yield name, _setting(name, entries[name], path)


def _setting(name: str, entry: Any, path: Path) -> Any:
    if name in ("_last_original_obs", "train_freq"):
        return None if entry is None else True  # whether there is one is enough
    if not (isinstance(entry, dict) and ":serialized:" in entry):
        return entry
    try:
        description = described(base64.b64decode(entry[":serialized:"]))
        if name == "policy_kwargs" and isinstance(description, dict):
            description = {key: value for key, value in description.items() if key not in UNUSED}
        return known(description)
    except Refused as error:
        raise UserError(f"{path}: `{name}` holds {error}, which is not loaded from a file; {TRUST}") from error
    except (ValueError, TypeError) as error:
        raise UserError(f"{path}: `{name}` cannot be read ({error})") from error


def _policy(settings: dict[str, Any], path: Path) -> Any:
    """A policy as its settings describe it, freshly initialised."""
    missing = [name for name in NEEDED if settings.get(name) is None]
    if missing:
        raise UserError(f"{path}: says nothing of {', '.join(missing)}; give a model saved by Stable-Baselines3")
    kwargs = {name: value for name, value in dict(settings.get("policy_kwargs") or {}).items() if name not in UNUSED}
    net_arch = kwargs.get("net_arch")
    if isinstance(net_arch, list) and net_arch and isinstance(net_arch[0], dict):  # SB3 before 1.8
        kwargs["net_arch"] = net_arch[0]
    given = {"use_sde": True} if settings.get("use_sde") else {}
    try:
        kind, spaces_ = settings["policy_class"], (settings["observation_space"], settings["action_space"])
        return redrawn(kind(*spaces_, lambda _: 0.0, **{**given, **kwargs}), settings.get("initialiser"))
    except Exception as error:
        raise UserError(f"{path}: the policy that its settings describe cannot be built ({error})") from error


def _load(policy: nn.Module, parameters: Any, path: Path) -> None:
    try:
        expect_injection(policy, parameters)
        policy.load_state_dict(parameters)
    except Exception as error:  # other shapes, or no parameters at all
        raise UserError(f"{path}: its parameters do not fit the policy that its settings describe ({error})") from error


def expect_injection(policy: nn.Module, parameters: Any) -> None:
    """Prepares the layers of a fresh policy that are injected in the saved one, so that it computes the same."""
    names = injected_in(parameters) if isinstance(parameters, dict) else []
    if names:
        ends = ends_among(layer_order(list(layers_of(policy))), [policy.get_submodule(name) for name in names])
        for module, (is_first, is_last) in ends.items():
            InjectedLayer(module, is_first=is_first, is_last=is_last)
