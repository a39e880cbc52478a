"""Numbers as a command line gives them: one for all tasks, two to draw between, or a word for how they are drawn."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Annotated, Any

WORDS: Mapping[str, str] = {
    "constant": "Constant",
    "listed": "Listed",
    "uniform": "UniformValues",
    "log_uniform": "LogUniformValues",
    "normal": "NormalValues",
    "linear_drift": "LinearDrift",
    "sinusoid": "Sinusoid",
    "ornstein_uhlenbeck": "OrnsteinUhlenbeck",
    "random_walk": "random_walk",
}
"""The makers of values in `plastic_rl.nonstationary`, by the words for it."""

_CALL = re.compile(r"\s*(\w+)\s*\((.*)\)\s*")


class DrawnNumbers:
    """The forms in which numbers may be given, one for each task."""

    def __contains__(self, given: object) -> bool:
        return given is None or _is_number(given) or _is_pair(given) or _call(given) is not None

    def __str__(self) -> str:
        return f"a number, two as [low,high], or one of {', '.join(WORDS)} with its numbers, as 'log_uniform(0.5,2)'"


Numbers = Annotated[Any, DrawnNumbers()]


def drawn(given: object) -> Any:
    """Return what a change takes for numbers as they were given.

    Args:
        given: One of :class:`DrawnNumbers`.

    Raises:
        ValueError: A word has other numbers than it needs.
    """
    call = _call(given)
    if call is None:
        return tuple(given) if isinstance(given, list) else given
    from plastic_rl import nonstationary

    word, numbers = call
    made = getattr(nonstationary, WORDS[word])
    if word == "listed":
        return made(numbers)
    takes = [each for each in signature(made).parameters.values() if each.kind is not each.KEYWORD_ONLY]
    needed = sum(each.default is each.empty for each in takes)
    if not needed <= len(numbers) <= len(takes):
        raise ValueError(f"{word} takes {', '.join(each.name for each in takes)}, got {len(numbers)} numbers")
    given = zip(takes, numbers, strict=False)  # the last may be left out
    return made(*(_whole(number) if each.annotation == "int" else number for each, number in given))


def _call(given: object) -> tuple[str, list[float]] | None:
    found = _CALL.fullmatch(given) if isinstance(given, str) else None
    if found is None or found[1] not in WORDS:
        return None
    try:
        return found[1], [float(text) for text in found[2].split(",")]
    except ValueError:
        return None


def _whole(number: float) -> int:
    if not number.is_integer():
        raise ValueError(f"{number:g} is no whole number")
    return int(number)


def _is_number(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given)


def _is_pair(given: object) -> bool:
    return isinstance(given, Sequence) and len(given) == 2 and all(map(_is_number, given))
