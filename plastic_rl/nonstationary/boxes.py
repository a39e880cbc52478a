"""The boxes that changes work in: which they can, and which hold what comes of it."""

from __future__ import annotations

from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from plastic_rl.nonstationary.changes import Change

_ADVICE = {
    "observations": "wrap the environment in gymnasium.wrappers.FlattenObservation",
    "actions": "wrap the environment in gymnasium.wrappers.RescaleAction",
}


def vector_box(
    space: gymnasium.Space[Any], change: Change, role: Literal["observations", "actions"], kinds: str = "if"
) -> Box:
    """Returns ``space`` if it is one of vectors of signed numbers; a ValueError names ``change`` if not.

    Args:
        space: Any space.
        change: The change that works in it.
        role: What lies in it.
        kinds: NumPy's letters for the kinds of numbers: "i" for integers with a sign, "f" for floating-point ones.
    """
    if isinstance(space, Box) and len(space.shape) == 1 and space.dtype.kind in kinds:
        return space
    numbers = "floating-point numbers" if kinds == "f" else "signed numbers"
    advice = f": {_ADVICE[role]}" if isinstance(space, gymnasium.spaces.Dict | gymnasium.spaces.Tuple) else ""
    raise ValueError(f"{type(change).__name__} needs {role} that are vectors of {numbers}, got {space}{advice}")


def symmetric_box(space: gymnasium.Space[Any], change: Change, kinds: str = "if") -> Box:
    """A box of actions with as much room below zero as above; a ValueError that names ``change`` if it has not."""
    box = vector_box(space, change, "actions", kinds)
    is_unbounded = ~(box.bounded_below | box.bounded_above)
    if np.all(is_unbounded | (box.low == -box.high)):
        return box
    name = type(change).__name__
    raise ValueError(f"{name} needs actions that are vectors with symmetric bounds, got {space}: {_ADVICE['actions']}")


def even_box(box: Box) -> Box:
    """The box that holds every entry at every place: one lowest and one highest bound for all."""
    low = box.low.min() if box.bounded_below.all() else -np.inf
    high = box.high.max() if box.bounded_above.all() else np.inf
    return Box(low, high, box.shape, dtype=box.dtype.type)


def is_even(box: Box) -> bool:
    """Tells whether all entries have the same bounds."""
    return bool((box.low == box.low.flat[0]).all() and (box.high == box.high.flat[0]).all())


def mirrored_box(box: Box, change: Change) -> Box:
    """The box that holds every entry with either sign; a ValueError where an integer's opposite does not exist."""
    if box.dtype.kind == "i" and not (box.bounded_below.all() and box.bounded_above.all()):
        return unbounded_box(box)
    if box.dtype.kind == "i" and box.low.min() == np.iinfo(box.low.dtype.str).min:
        raise ValueError(f"{type(change).__name__} needs numbers whose opposites exist too, got {box}")
    return Box(np.minimum(box.low, -box.high), np.maximum(box.high, -box.low), dtype=box.dtype.type)


def unbounded_box(box: Box) -> Box:
    """The box of the same shape without bounds."""
    return Box(-np.inf, np.inf, box.shape, dtype=box.dtype.type)
