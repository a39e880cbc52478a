"""Values that `torch.load(weights_only=True)` reads back: checked when a checkpoint is written, not when needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

SCALARS = (bool, int, float, complex, str, bytes, type(None))
SEQUENCES = (list, tuple)
MAPPINGS = (dict, OrderedDict)


def check_plain(value: object, name: str) -> None:
    """Refuse a value that a checkpoint could not give back.

    Args:
        value: Tensors, numbers, strings, None, and lists, tuples and dicts of them.
        name: What the value is called in the error.

    Raises:
        TypeError: Something inside is of another type (a numpy number, say); the message gives its place.
    """
    for item, place in _inside(value, name):
        if type(item) not in SCALARS:  # a generator's state is hundreds of numbers
            check_plain(item, place)
    if type(value) not in (*SEQUENCES, *MAPPINGS) and not _is_leaf(value):
        raise TypeError(
            f"{name} is a {type(value).__module__}.{type(value).__name__}; a checkpoint holds only tensors, numbers, "
            "strings, None, and lists, tuples and dicts of them"
        )


def _inside(value: Any, name: str) -> Iterator[tuple[object, str]]:
    if type(value) in SEQUENCES:
        yield from ((item, f"{name}[{index}]") for index, item in enumerate(value))
    elif type(value) in MAPPINGS:
        yield from ((key, f"a key of {name}") for key in value)
        yield from ((item, f"{name}[{key!r}]") for key, item in value.items())


def _is_leaf(value: object) -> bool:
    import torch

    # Exact types: numpy.float64 is a float by inheritance, and is refused on reading.
    return type(value) in SCALARS or isinstance(value, torch.Tensor | torch.Size)
