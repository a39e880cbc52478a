"""Changes, schedules and values as plain data, and back, for a spec that goes through JSON."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

from plastic_rl.nonstationary.changes import Change
from plastic_rl.nonstationary.schedules import Schedule
from plastic_rl.nonstationary.values import Values

Description = Mapping[str, Any]
"""The place of a dataclass, as ``"type": "module:name"``, and what it is made from."""


def description(thing: Any) -> Any:
    """Describes ``thing`` in dicts, lists, strings and numbers, as far as it is made of dataclasses and of these."""
    if is_dataclass(thing) and not isinstance(thing, type):
        kind = type(thing)
        arguments = {field.name: description(getattr(thing, field.name)) for field in fields(thing) if field.init}
        return {"type": f"{kind.__module__}:{kind.__qualname__}", **arguments}
    if isinstance(thing, list | tuple):
        return [description(item) for item in thing]
    return thing


def rebuilt(described: Any) -> Any:
    """Makes again what :func:`description` described, with tuples for lists.

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


def changes_of(given: Any) -> list[Change]:
    """Copies of the changes that are given or described, so that one change can serve many environments.

    Raises:
        ValueError: There is none, or something else than a change.
    """
    changes = rebuilt(given)
    changes = changes if isinstance(changes, list | tuple) else [changes]
    if not changes:
        raise ValueError("change must not be empty: give at least one Change")
    if others := [change for change in changes if not isinstance(change, Change)]:
        raise ValueError(f"change must be a Change or several, got {others[0]!r}")
    return [deepcopy(change) for change in changes]


def schedule_of(given: Any) -> Schedule:
    """The schedule that is given or described; a ValueError if it is none."""
    schedule = rebuilt(given)
    if not isinstance(schedule, Schedule):
        raise ValueError(f"schedule must be a Schedule, got {schedule!r}")
    return schedule


def _kind(place: str) -> Any:
    module, _, name = place.partition(":")
    try:
        kind = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{place} is not there: {error}") from error
    if is_dataclass(kind) and isinstance(kind, type) and (issubclass(kind, Change | Schedule | Values)):
        return kind
    raise ValueError(f"{place} is no Change, Schedule or Values that can be made from a description")
