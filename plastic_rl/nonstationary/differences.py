"""Differences of two observations of any space: numbers, images, texts, graphs, and dicts and tuples of these."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np


def largest_difference(one: Any, other: Any) -> float:
    """The largest difference of two observations' numbers; infinite where they are built differently.

    Args:
        one: An observation (or an action).
        other: Another of the same space.
    """
    lefts, rights = list(arrays(one)), list(arrays(other))
    if len(lefts) != len(rights):
        return math.inf
    return max(map(_distance, lefts, rights), default=0.0)


def is_finite(observation: Any) -> bool:
    """Tells whether all of an observation's numbers are finite."""
    return all(np.isfinite(array).all() for array in arrays(observation))


def arrays(observation: Any) -> Iterator[np.ndarray]:
    """The numbers in an observation, in arrays, in the order of its space; a text is the numbers of its letters."""
    if isinstance(observation, Mapping):
        for name in sorted(observation):
            yield from arrays(observation[name])
    elif isinstance(observation, tuple | list):  # a graph is a tuple, and some of its parts may be None
        for part in observation:
            yield from arrays(part)
    elif isinstance(observation, str):
        yield np.array([ord(letter) for letter in observation], np.float64)
    elif observation is not None:
        yield np.asarray(observation, np.float64)


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    if one.shape != other.shape:
        return math.inf
    return float(np.abs(one - other).max(initial=0.0))
