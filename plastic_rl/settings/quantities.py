"""Settings that know what they may be: annotations, checked before anything is built."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

LARGEST = 2**63 - 1
"""The largest whole number that a tensor can hold."""


@dataclass(frozen=True)
class Range:
    """The values that a number may take.

    Args:
        low: The least value.
        high: The greatest value.
        low_included: Whether `low` itself is allowed.
        high_included: Whether `high` itself is allowed.
        may_be_infinite: Whether infinity has a meaning, where there is no greatest value.
    """

    low: int | float
    high: int | float = math.inf
    low_included: bool = True
    high_included: bool = True
    may_be_infinite: bool = False

    def __contains__(self, value: int | float) -> bool:
        if math.isinf(value) and not self.may_be_infinite:
            return False
        if isinstance(value, int) and value > LARGEST:
            return False
        above = value >= self.low if self.low_included else value > self.low
        return above and (value <= self.high if self.high_included else value < self.high)

    def __str__(self) -> str:
        if self.high < math.inf:
            begin, end = "[" if self.low_included else "(", "]" if self.high_included else ")"
            return f"in {begin}{self.low:g}, {self.high:g}{end}"
        return f"{'at least' if self.low_included else 'above'} {self.low:g}"


@dataclass(frozen=True)
class OneOf:
    """The words that a setting may be.

    Args:
        options: The words.
    """

    options: tuple[str, ...]

    def __contains__(self, value: str) -> bool:
        return value in self.options

    def __str__(self) -> str:
        return f"one of {', '.join(self.options)}"


@dataclass(frozen=True)
class AnyOf(OneOf):
    """The words that a list may hold."""

    def __contains__(self, value: Sequence[str]) -> bool:
        return all(word in self.options for word in value)

    def __str__(self) -> str:
        return f"a list of any of {', '.join(self.options)}"


@dataclass(frozen=True)
class Keywords:
    """The arguments that something is called with, by their names; none at all by default."""

    def __contains__(self, value: object) -> bool:
        return value is None or isinstance(value, Mapping)

    def __str__(self) -> str:
        return "names with values, as {size:5}"


@dataclass(frozen=True)
class OrNone:
    """The values that a number may take where it is given at all.

    Args:
        range: Those values.
    """

    range: Range

    @property
    def low(self) -> int | float:
        """The least value."""
        return self.range.low

    def __contains__(self, value: int | float | None) -> bool:
        return value is None or value in self.range

    def __str__(self) -> str:
        return str(self.range)


Rate = Annotated[float, Range(0, 1)]
Decay = Annotated[float, Range(0, 1, high_included=False)]
"""Of a running average, which at 1 would never take anything in."""
Positive = Annotated[float, Range(0, low_included=False)]
NonNegative = Annotated[float, Range(0)]
PositiveOrInfinite = Annotated[float, Range(0, low_included=False, may_be_infinite=True)]
NonNegativeOrInfinite = Annotated[float, Range(0, may_be_infinite=True)]
Count = Annotated[int, Range(1)]
OptionalCount = Annotated[int | None, OrNone(Range(1))]
NonNegativeInteger = Annotated[int, Range(0)]
