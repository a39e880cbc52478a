"""The attributes of an object that are plain data: what a checkpoint keeps of it."""

from __future__ import annotations

import io
import types
from collections.abc import Collection
from functools import partial
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec

from plastic_rl.errors import UserError
from plastic_rl.runs.encoding import NotPlain, decode, encode, generator_state, set_generator_state

# How a thing was made, which the one that is restored knows already.
_SETTINGS = {
    "_saved_kwargs",
    "_ezpickle_args",
    "_ezpickle_kwargs",
    "_cached_spec",
    "metadata",
    "_metadata",
    "render_mode",
    "fullpath",
    "width",
    "height",
}
# What draws pictures, is called, or writes files: nothing in there decides the next step.
_CODE = (type, types.ModuleType, types.FunctionType, types.MethodType, types.BuiltinFunctionType, partial)
_STATELESS = (gymnasium.Env, gymnasium.Space, EnvSpec, io.IOBase, *_CODE)
_STATELESS_NAMES = {"MujocoRenderer", "MjModel", "MjData", "ResultsWriter", "Logger"}


def plain_attributes(thing: object, *, leave: Collection[str] = (), of: str = "the environment") -> dict[str, Any]:
    """``thing``'s attributes, encoded for a checkpoint.

    Args:
        thing: An environment, a wrapper, or a part of one.
        leave: Names of attributes that are saved otherwise or not at all.
        of: The name of what is being saved, for messages.

    Raises:
        UserError: An attribute may hold state, and is no plain data.
    """
    codes = {}
    for name, value in vars(thing).items():
        if name in leave or name in _SETTINGS or _has_no_state(value):
            continue
        try:
            codes[name] = encode(value)
        except NotPlain as error:
            raise UserError(
                f"{of} cannot be saved: {class_name(thing)}.{name} holds {error}, which no checkpoint can; "
                "give its class state_dict() and load_state_dict(), or train without exact resume"
            ) from error
    return codes


def restore_attributes(thing: object, codes: dict[str, Any]) -> None:
    """Sets what :func:`plain_attributes` of an equal object returned."""
    for name, code in codes.items():
        current = vars(thing).get(name)
        if isinstance(current, np.random.Generator) and isinstance(code, dict) and "$generator" in code:
            set_generator_state(current, code["$generator"])  # in place: something else may hold the same generator
        else:
            setattr(thing, name, decode(code))


def space_generators(thing: object) -> dict[str, Any]:
    """The states of the generators that ``space.sample()`` has used so far, by the space's name."""
    used = {name: space._np_random for name, space in _spaces(thing).items()}
    return {name: generator_state(generator) for name, generator in used.items() if generator is not None}


def restore_space_generators(thing: object, states: dict[str, Any]) -> None:
    """Puts the generators of ``thing``'s spaces where :func:`space_generators` found them."""
    for name, space in _spaces(thing).items():
        if name in states:
            space._np_random = set_generator_state(space._np_random, states[name])


def class_name(thing: object) -> str:
    """The name of ``thing``'s class."""
    return type(thing).__name__


def _has_no_state(value: object) -> bool:
    drawing = type(value).__module__.startswith("pygame")
    return drawing or isinstance(value, _STATELESS) or class_name(value) in _STATELESS_NAMES


def _spaces(thing: object) -> dict[str, gymnasium.Space[Any]]:
    return {name: value for name, value in vars(thing).items() if isinstance(value, gymnasium.Space)}
