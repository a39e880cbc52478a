"""Checks of hyper-parameters: what was given, what was expected."""

from __future__ import annotations

import math
from enum import Enum
from typing import TypeVar

Choice = TypeVar("Choice", bound=Enum)


def fraction(name: str, value: float) -> float:
    """The value, if it is in [0, 1].

    Raises:
        ValueError: otherwise.
    """
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be in [0, 1], got {value}")
    return float(value)


def non_negative(name: str, value: float) -> float:
    """The value, if it is a finite number of 0 or more.

    Raises:
        ValueError: otherwise.
    """
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} must be 0 or more and finite, got {value}")
    return float(value)


def whole_number(name: str, value: int) -> int:
    """The value, if it is a whole number and not negative.

    Raises:
        ValueError: otherwise.
    """
    if int(value) != value or value < 0:
        raise ValueError(f"{name} must be a whole number, 0 or more, got {value}")
    return int(value)


def at_least(name: str, low: int, value: int | float) -> float:
    """The value, if it is finite and at least ``low``.

    Raises:
        ValueError: otherwise.
    """
    if not low <= value < math.inf:
        raise ValueError(f"{name} must be at least {low} and finite, got {value}")
    return float(value)


def one_of(name: str, choices: type[Choice], value: str) -> Choice:
    """The member of an enumeration that has this value.

    Raises:
        ValueError: otherwise, with the valid values.
    """
    valid = [choice.value for choice in choices]
    if value not in valid:
        raise ValueError(f"{name} must be one of {', '.join(valid)}; got {value!r}")
    return choices(value)
