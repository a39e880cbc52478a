"""Changes, schedules and values as plain data, and back: what is left of them in a spec that goes through JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

from plastic_rl.nonstationary.changes import Change
from plastic_rl.nonstationary.schedules import Schedule
from plastic_rl.nonstationary.values import Values

Description = Mapping[str, Any]
"""The place of a dataclass, as ``"type": "module:name"``, and what it is made from."""


def description(thing: Any) -> Any:
    """``thing`` in dicts, lists, strings and numbers, as far as it is made of dataclasses and of these."""
    if is_dataclass(thing) and not isinstance(thing, type):
        kind = type(thing)
        arguments = {field.name: description(getattr(thing, field.name)) for field in fields(thing) if field.init}
        return {"type": f"{kind.__module__}:{kind.__qualname__}", **arguments}
    if isinstance(thing, list | tuple):
        return [description(item) for item in thing]
    return thing


def rebuilt(described: Any) -> Any:
    """What :func:`description` described, lists as tuples.

    Raises:
        ValueError: The type in a description is not there, cannot be made from the rest of it, or is no change, no
            schedule and no values: nothing else is made.
    """
    if isinstance(described, list | tuple):
        return tuple(rebuilt(item) for item in described)
    if not isinstance(described, Mapping) or "type" not in described:
        return described
    arguments = {name: rebuilt(value) for name, value in described.items() if name != "type"}
    kind = _kind(described["type"])
    try:
        return kind(**arguments)
    except TypeError as error:
        raise ValueError(f"{kind.__name__} cannot be made from {arguments}: {error}") from error


def _kind(place: str) -> Any:
    module, _, name = place.partition(":")
    try:
        kind = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{place} is not there: {error}") from error
    if is_dataclass(kind) and isinstance(kind, type) and (issubclass(kind, Change | Schedule | Values)):
        return kind
    raise ValueError(f"{place} is no Change, Schedule or Values that can be made from a description")
