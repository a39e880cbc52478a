"""The names of tasks."""

from __future__ import annotations

from collections.abc import Hashable

TaskName = Hashable
"""A number or a string, so that it can be saved."""


def checked_name(name: TaskName) -> TaskName:
    """The name, if it is a number or a string.

    Raises:
        ValueError: otherwise.
    """
    if not isinstance(name, int | str):
        raise ValueError(f"a task's name must be a number or a string, got {name!r}")
    return name
