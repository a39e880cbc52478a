"""What `torch.load(weights_only=True)` reads back: checked when a checkpoint is written, not when it is needed."""

from __future__ import annotations

from collections import OrderedDict

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
    if type(value) in SEQUENCES:
        for index, item in enumerate(value):  # pyright: ignore[reportArgumentType]
            check_plain(item, f"{name}[{index}]")
    elif type(value) in MAPPINGS:
        for key, item in value.items():  # pyright: ignore[reportAttributeAccessIssue]
            check_plain(key, f"a key of {name}")
            check_plain(item, f"{name}[{key!r}]")
    elif not _is_leaf(value):
        raise TypeError(
            f"{name} is a {type(value).__module__}.{type(value).__name__}; a checkpoint holds only tensors, numbers, "
            "strings, None, and lists, tuples and dicts of them"
        )


def _is_leaf(value: object) -> bool:
    import torch

    # Exact types: numpy.float64 is a float by inheritance, and is refused on reading.
    return type(value) in SCALARS or isinstance(value, torch.Tensor | torch.Size)
