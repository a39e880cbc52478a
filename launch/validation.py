"""The values of a run's settings, checked against what they may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from launch.device import check_device_name
from launch.settings import Settings
from plastic_rl.errors import UserError


def check(settings: Settings) -> None:
    """Refuse values that no run can have, before anything heavy is imported.

    Raises:
        UserError: The first setting, in the order of their declaration, that is out of its range.
    """
    for prefix, group in (("", settings), ("agent.", settings.agent), ("env.", settings.env)):
        for name, condition in _conditions(type(group)):
            value = getattr(group, name)
            if value not in condition:
                raise UserError(f"{prefix}{name} must be {condition}, got {value}")
    check_device_name(settings.device)


def _conditions(owner: type[Any]) -> Iterator[tuple[str, Any]]:
    for name, hint in get_type_hints(owner, include_extras=True).items():
        if get_origin(hint) is Annotated:
            yield name, get_args(hint)[1]
