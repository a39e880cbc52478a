"""Numbers that are no longer finite, found in everything that is about to be saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def first_not_finite(values: object, name: str = "") -> str | None:
    """The place of the first tensor that holds NaN or an infinity; None where all are sound.

    Args:
        values: Tensors, in nested lists, tuples and dicts; other values have no say.
        name: What `values` is called in the place that is returned.
    """
    return next((place for place, tensor in _tensors(values, name) if not _is_finite(tensor)), None)


def _tensors(values: object, name: str) -> Iterator[tuple[str, Tensor]]:
    import torch

    if isinstance(values, torch.Tensor):
        yield name, values
    elif isinstance(values, Mapping):
        for key, value in values.items():
            yield from _tensors(value, f"{name}.{key}" if name else str(key))
    elif isinstance(values, list | tuple):
        for index, value in enumerate(values):
            yield from _tensors(value, f"{name}.{index}")


def _is_finite(tensor: Tensor) -> bool:
    if tensor.is_sparse:
        tensor = tensor.coalesce().values()
    return not tensor.is_floating_point() or bool(tensor.isfinite().all())
