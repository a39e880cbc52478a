"""The state of a Gymnasium environment, wrappers and all, for a run that goes on as if nothing had happened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium

from plastic_rl.errors import UserError
from plastic_rl.runs.attributes import (
    class_name,
    plain_attributes,
    restore_attributes,
    restore_space_generators,
    space_generators,
)
from plastic_rl.runs.encoding import decode, encode
from plastic_rl.runs.mujoco_state import mujoco_state, restore_mujoco_state


def environment_state(env: gymnasium.Env[Any, Any]) -> dict[str, Any]:
    """The state that ``env`` needs to go on exactly, as tensors, numbers, strings, None, lists, tuples and dicts.

    Each layer, from the outermost wrapper to the environment itself, is asked for its ``state_dict()`` if it has one,
    and otherwise gives its attributes that are plain data, with its generators; a MuJoCo simulation is added whole.
    What lies within a layer whose ``holds_everything_within`` is true is left to that layer.

    Args:
        env: A Gymnasium environment, between two steps or two episodes.

    Raises:
        UserError: A layer keeps something that cannot be saved (a Box2D world, say); the message names it.
    """
    return {"layers": [layer_state(layer) for layer in _layers(env)]}


def restore_environment_state(env: gymnasium.Env[Any, Any], state: dict[str, Any]) -> None:
    """Puts ``env``, made like the one that gave ``state``, exactly where that one was.

    Raises:
        UserError: ``env`` is wrapped otherwise, or is another environment.
    """
    layers = list(_layers(env))
    check_same_layers(layers, state["layers"])
    for layer, saved in zip(layers, state["layers"], strict=True):
        restore_layer(layer, saved)


def layer_state(layer: Any) -> dict[str, Any]:
    """The state of one wrapper, or of an environment without its wrappers."""
    state: dict[str, Any] = {"class": class_name(layer), "spaces": space_generators(layer)}
    if _keeps_own_state(layer):
        return state | {"own": encode(layer.state_dict())}
    state["attributes"] = plain_attributes(layer)
    if _is_mujoco(layer):
        state["mujoco"] = encode(mujoco_state(layer.model, layer.data))
    return state


def restore_layer(layer: Any, saved: dict[str, Any]) -> None:
    """Puts one layer where :func:`layer_state` found it."""
    restore_space_generators(layer, saved["spaces"])
    if "own" in saved:
        layer.load_state_dict(decode(saved["own"]))
        return
    restore_attributes(layer, saved["attributes"])
    if "mujoco" in saved:
        restore_mujoco_state(layer.model, layer.data, decode(saved["mujoco"]))


def check_same_layers(layers: list[Any], saved: list[dict[str, Any]]) -> None:
    """Refuses to restore a state into an environment that is built otherwise."""
    expected, given = [layer["class"] for layer in saved], [class_name(layer) for layer in layers]
    if given != expected:
        raise UserError(
            f"the saved environment is {' > '.join(expected)}, this one is {' > '.join(given)}: "
            "make it with the settings that it was saved with"
        )


def _layers(env: gymnasium.Env[Any, Any]) -> Iterator[gymnasium.Env[Any, Any]]:
    yield env
    while isinstance(env, gymnasium.Wrapper) and not getattr(env, "holds_everything_within", False):
        env = env.env
        yield env


def _keeps_own_state(layer: object) -> bool:
    return hasattr(type(layer), "state_dict") and hasattr(type(layer), "load_state_dict")


def _is_mujoco(layer: object) -> bool:
    return {"MjModel", "MjData"} <= {class_name(value) for value in vars(layer).values()}
