"""The state of a Stable-Baselines3 vector environment, its statistics and sub-environments included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.stacked_observations import StackedObservations

from plastic_rl.errors import UserError
from plastic_rl.runs.attributes import (
    class_name,
    plain_attributes,
    restore_attributes,
    restore_space_generators,
    space_generators,
)
from plastic_rl.runs.encoding import decode, encode
from plastic_rl.runs.environment_state import check_same_layers, environment_state, restore_environment_state

_PARTS = (RunningMeanStd, StackedObservations)
"""Objects that a layer keeps its numbers in, or dicts of them."""

_LEAVE = ("envs", "venv", "env", "class_attributes", "obs_spaces", "buf_infos", "reset_infos")
"""Attributes saved elsewhere, fixed, or overwritten by the next step before anything reads them."""


def vec_env_state(venv: VecEnv) -> dict[str, Any]:
    """The state that ``venv`` needs to go on exactly, as tensors, numbers, strings, None, lists, tuples and dicts.

    Args:
        venv: A DummyVecEnv, or a vector environment with its own ``state_dict()``; wrapped in any number of
            VecNormalize, VecFrameStack, VecMonitor and the like.

    Raises:
        UserError: The environments live in other processes, or one of them cannot be saved.
    """
    return {"layers": [_layer_state(layer) for layer in _layers(venv)]}


def restore_vec_env_state(venv: VecEnv, state: dict[str, Any]) -> None:
    """Puts ``venv``, made like the one that gave ``state``, exactly where that one was.

    Raises:
        UserError: ``venv`` is built otherwise.
    """
    layers = list(_layers(venv))
    check_same_layers(layers, state["layers"])
    for layer, saved in zip(layers, state["layers"], strict=True):
        _restore_layer(layer, saved)


def _layers(venv: VecEnv) -> Iterator[Any]:
    while isinstance(venv, VecEnvWrapper):
        yield venv
        venv = venv.venv
    yield venv


def _layer_state(layer: Any) -> dict[str, Any]:
    state: dict[str, Any] = {"class": class_name(layer), "spaces": space_generators(layer)}
    if hasattr(type(layer), "state_dict"):
        return state | {"own": encode(layer.state_dict())}
    _refuse_other_processes(layer)
    state["attributes"] = _plain(layer)
    state["parts"] = [_plain(part) for part in _parts(layer)]
    state["envs"] = [environment_state(env) for env in vars(layer).get("envs", [])]
    return state


def _restore_layer(layer: Any, saved: dict[str, Any]) -> None:
    restore_space_generators(layer, saved["spaces"])
    if "own" in saved:
        layer.load_state_dict(decode(saved["own"]))
        return
    restore_attributes(layer, saved["attributes"])
    for part, codes in zip(_parts(layer), saved["parts"], strict=True):
        restore_attributes(part, codes)
    for env, state in zip(vars(layer).get("envs", []), saved["envs"], strict=True):
        restore_environment_state(env, state)


def _plain(thing: object) -> dict[str, Any]:
    holders = [name for name, value in vars(thing).items() if any(isinstance(item, _PARTS) for item in _items(value))]
    return plain_attributes(thing, leave=(*_LEAVE, *holders))


def _parts(thing: object) -> Iterator[object]:
    for value in list(vars(thing).values()):
        for part in _items(value):
            if isinstance(part, _PARTS):
                yield part
                yield from _parts(part)


def _items(value: object) -> list[object]:
    return list(value.values()) if isinstance(value, dict) else [value]


def _refuse_other_processes(layer: Any) -> None:
    if not isinstance(layer, DummyVecEnv | VecEnvWrapper):
        raise UserError(
            f"the state of a {class_name(layer)} cannot be saved (its environments are out of reach): use a DummyVecEnv"
        )
