"""Where a changing number comes from: one value per task, a function of the task's index and the seed alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from plastic_rl.nonstationary.draws import Draws


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

    def __init__(self, numbers: Sequence[float]) -> None:
        if not numbers:
            raise ValueError("numbers must not be empty")
        object.__setattr__(self, "numbers", tuple(float(number) for number in numbers))

    def value(self, index: int, draws: Draws) -> float:
        return self.numbers[index % len(self.numbers)]


@dataclass(frozen=True)
class Uniform:
    """Independent draws, uniform between ``low`` and ``high``."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"low must not exceed high, got low={self.low}, high={self.high}")

    def value(self, index: int, draws: Draws) -> float:
        return float(draws[index].uniform(self.low, self.high))


@dataclass(frozen=True)
class LogUniform:
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
class Normal:
    """Independent draws from a normal distribution."""

    mean: float
    deviation: float

    def value(self, index: int, draws: Draws) -> float:
        return float(draws[index].normal(self.mean, self.deviation))
