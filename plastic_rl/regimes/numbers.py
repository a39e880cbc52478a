"""Arrays of a world's steps, and how a checkpoint holds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# A step of a world is a handful of numbers, for which an operation of NumPy takes a fifth of the time of one of torch.
Numbers: TypeAlias = NDArray[np.float64]

Flags: TypeAlias = NDArray[np.bool_]

Pair: TypeAlias = tuple[Numbers, Numbers]
"""The features and the targets of a transition, or of several."""


def as_tensors(pairs: Sequence[Pair]) -> list[tuple[Tensor, Tensor]]:
    """Features and targets as a checkpoint holds them."""
    return [(torch.tensor(features), torch.tensor(targets)) for features, targets in pairs]


def as_numbers(pairs: Sequence[tuple[Tensor, Tensor]]) -> list[Pair]:
    """Features and targets from a checkpoint, which may have been read onto another device."""
    return [(features.cpu().numpy().copy(), targets.cpu().numpy().copy()) for features, targets in pairs]
