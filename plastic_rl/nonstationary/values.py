"""Values: one number per task, a function of the task's index and the seed alone.

One rule for all changes: wherever one takes values, a number stands for that number in every task, and two numbers, low
and high, for a draw between them in each task. The draws are uniform; those of ``Friction`` are log-uniform, as in the
paper that it is from. Anything else is said: ``ScaleReward(LogUniformValues(0.5, 2.0))``, ``ScaleReward(Listed([1,
-1]))``.
The two numbers stand side by side, ``ScaleReward(0.5, 2.0)``, or as a pair where a change takes values for several
things: ``CartPolePhysics(length=(0.25, 2.0), force=(5, 20))``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Protocol, runtime_checkable

from plastic_rl.nonstationary.draws import Draws

Number = int | float


@runtime_checkable
class Values(Protocol):
    """A sequence of numbers, one per task."""

    def value(self, index: int, draws: Draws) -> float:
        """The number of task ``index``; randomness comes from ``draws[index]`` only."""
        ...


@dataclass(frozen=True)
class Constant:
    """The same number in every task."""

    number: float

    def value(self, index: int, draws: Draws) -> float:
        return self.number


@dataclass(frozen=True)
class Listed:
    """Given numbers in their order, from the beginning again when they run out."""

    numbers: tuple[float, ...]

    def __init__(self, numbers: Sequence[Number]) -> None:
        if not numbers:
            raise ValueError("numbers must not be empty")
        object.__setattr__(self, "numbers", tuple(float(number) for number in numbers))

    def value(self, index: int, draws: Draws) -> float:
        return self.numbers[index % len(self.numbers)]


@dataclass(frozen=True)
class UniformValues:
    """Independent draws, uniform between ``low`` and ``high``."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"low must not exceed high, got low={self.low}, high={self.high}")

    def value(self, index: int, draws: Draws) -> float:
        return float(draws[index].uniform(self.low, self.high))


@dataclass(frozen=True)
class LogUniformValues:
    """Independent draws whose logarithm is uniform between those of ``low`` and ``high``."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high:
            raise ValueError(f"log-uniform needs 0 < low <= high, got low={self.low}, high={self.high}")

    def value(self, index: int, draws: Draws) -> float:
        exponent = draws[index].uniform(math.log10(self.low), math.log10(self.high))
        return float(10**exponent)


@dataclass(frozen=True)
class NormalValues:
    """Independent draws from a normal distribution."""

    mean: float
    deviation: float

    def value(self, index: int, draws: Draws) -> float:
        return float(draws[index].normal(self.mean, self.deviation))


ValuesLike = Values | Number | tuple[Number, Number]
"""Values, or numbers in their place: see the module."""


def values_of(given: object, high: object = None, spread: Callable[[float, float], Values] = UniformValues) -> Values:
    """The values that are given, or that numbers in their place stand for.

    Args:
        given: Values, a number, or a pair of numbers.
        high: If given, the second number of a pair whose first is ``given``.
        spread: Makes the values between two numbers.

    Raises:
        ValueError: What is given is none of these.
    """
    if high is not None:
        if not isinstance(given, Real):
            raise ValueError(f"values and a highest number were given, {given} and {high}: give one or the other")
        return spread(_finite(given), _finite(high))
    if isinstance(given, tuple | list):
        if len(given) != 2:
            raise ValueError(f"give Listed({given}) for {len(given)} numbers in their order; a pair is low and high")
        return spread(_finite(given[0]), _finite(given[1]))
    if isinstance(given, Values):
        return given
    return Constant(_finite(given))


def _finite(number: object) -> float:
    if not isinstance(number, Real):
        raise ValueError(f"give a number, a pair of numbers or Values, got {number!r}")
    if isinstance(number, bool) or not math.isfinite(number):
        raise ValueError(f"numbers must be finite, got {number}")
    return float(number)
