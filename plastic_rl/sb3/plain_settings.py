"""Checks of the settings of a method, before anything is built: their names, their types and their ranges."""

from __future__ import annotations

import difflib
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from plastic_rl.layers import HiddenLayer
from plastic_rl.optim import PlasticOptimizer

# In words what a value of an annotated type is, and the types that are taken for it.
KINDS: dict[Any, tuple[str, tuple[type, ...]]] = {
    float: ("a number", (int, float)),
    int: ("a whole number", (int,)),
    bool: ("true or false", (bool,)),
    str: ("a word", (str,)),
}


def checked_settings(name: str, method: Callable[..., Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a method, numbers as it wants them; refuses those that it does not have or take.

    Args:
        name: of the method, for messages.
        method: the method.
        settings: its settings.

    Raises:
        ValueError: names the setting, and says what was expected.
    """
    known = list(inspect.signature(method).parameters.values())[2:]
    if not any(each.kind is each.VAR_KEYWORD for each in known):
        _check_names(name, [each.name for each in known], settings)
    types_of = _annotations(method)
    taken = {key: _typed(key, value, types_of.get(key)) for key, value in settings.items()}
    _try(method, {key: value for key, value in taken.items() if not callable(value)})
    return taken


def _check_names(name: str, known: list[str], settings: Mapping[str, Any]) -> None:
    for key in settings:
        if key not in known:
            close = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(known)}"
            raise ValueError(f"{name} has no setting {key!r}; {hint}")


def _annotations(method: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(method.__init__ if isinstance(method, type) else method)
    except (NameError, TypeError):  # annotations that only a type checker sees
        return {}


def _typed(key: str, value: Any, annotation: Any) -> Any:
    members = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    if isinstance(value, str) and any(typing.get_origin(member) is Callable for member in members):
        raise ValueError(f'{key} must be a function, as plain values {{"function": "module:name"}}; got {value!r}')
    if not members or any(member not in (*KINDS, type(None)) for member in members):
        return value  # of another kind, functions for instance: the method itself knows
    words = [KINDS[member][0] for member in members if member in KINDS]
    if not any(_is(value, member) for member in members):
        hint = ""
        if isinstance(value, str) and float in members and _is_number(value):
            hint = f" (text: in YAML write {float(value)!r} or 1.0e-4, with a point)"
        raise ValueError(f"{key} must be {' or '.join(words)}, got {value!r}{hint}")
    kind = next(member for member in members if _is(value, member))
    return kind(value) if kind in (float, int) else value


def _is(value: Any, kind: Any) -> bool:
    if kind is type(None):
        return value is None
    if isinstance(value, bool) and kind is not bool:
        return False
    return isinstance(value, KINDS[kind][1]) or (kind is int and isinstance(value, float) and value.is_integer())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _try(method: Callable[..., Any], settings: Mapping[str, Any]) -> None:
    """Wraps an optimiser of three weights, so that a setting out of its range is refused before anything is built."""
    if not (isinstance(method, type) and issubclass(method, PlasticOptimizer)):
        return  # a function may expect more of the layers than these have
    with torch.random.fork_rng(devices=[]):
        producer, reader = nn.Linear(1, 1), nn.Linear(1, 1, bias=False)
        adam = torch.optim.Adam([*producer.parameters(), *reader.parameters()])  # what most methods are around
        build: Any = method
        build(adam, [HiddenLayer("trial", producer, [reader], network=nn.Sequential(producer, reader))], **settings)
