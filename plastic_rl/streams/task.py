"""One task of a stream: examples to learn from and to be tested on, and how they are looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Generator, Tensor
from torch.utils.data import DataLoader, default_collate

View = Callable[[Tensor], Tensor]
Augment = Callable[[Tensor, Generator], Tensor]


def as_they_are(inputs: Tensor) -> Tensor:
    """The view of examples that need none."""
    return inputs


@dataclass(frozen=True, init=False)
class Examples:
    """Inputs and targets, all of them on the device where they are learned from.

    Arrays become tensors, and their numbers of double precision those of torch's default; class numbers become int64.

    Args:
        inputs: as they are kept (images as bytes), of shape (n, ...).
        targets: class numbers of shape (n,), or numbers of shape (n, outputs) to regress on.
        rows: which of them count, in this order; None counts all. Tasks share tensors in this way.

    Raises:
        TypeError: inputs or targets are neither a tensor nor an array.
        ValueError: there are not as many targets as inputs.
    """

    inputs: Tensor
    targets: Tensor
    rows: Int[Tensor, " rows"] | None = None

    def __init__(self, inputs: Any, targets: Any, rows: Int[Tensor, " rows"] | None = None) -> None:
        numbers = _tensor("targets", targets)
        is_narrow = numbers.dtype in (torch.int8, torch.int16, torch.int32)
        object.__setattr__(self, "inputs", _tensor("inputs", inputs))
        object.__setattr__(self, "targets", numbers.long() if is_narrow else numbers)
        object.__setattr__(self, "rows", rows)
        if len(self.inputs) != len(self.targets):
            raise ValueError(f"there must be a target for each input, got {len(self.targets)} for {len(self.inputs)}")

    @classmethod
    def gathered(cls, source: Any) -> Examples:
        """All examples of a data set, in memory.

        Args:
            source: a `torch.utils.data.DataLoader`, or a data set or another iterable of single examples; pairs of
                inputs and target.

        Raises:
            ValueError: there are none, or they are no pairs.
        """
        found = list(source)
        if not found or not all(isinstance(each, list | tuple) and len(each) == 2 for each in found):
            first = f"the first is of type {type(found[0]).__name__}" if found else "there are none"
            raise ValueError(f"examples must be pairs of inputs and target; {first}")
        if not isinstance(source, DataLoader):
            return cls(*default_collate(found))
        inputs, targets = zip(*found, strict=True)
        return cls(torch.cat(inputs), torch.cat(targets))

    def __len__(self) -> int:
        return len(self.inputs if self.rows is None else self.rows)

    def take(self, places: Int[Tensor, " k"]) -> tuple[Tensor, Tensor]:
        """The examples at some places, as (inputs, targets)."""
        rows = places if self.rows is None else self.rows[places]
        return self.inputs.index_select(0, rows), self.targets.index_select(
            0, rows
        )  # many times as fast as by brackets

    def only(self, places: Int[Tensor, " k"]) -> Examples:
        """The examples at some places; they share their tensors with all."""
        return replace(self, rows=places if self.rows is None else self.rows[places])


@dataclass(frozen=True)
class Task:
    """One task.

    Args:
        index: its place in the stream, from 0.
        train: what is learned from.
        test: what decides how well it was learned; None where only the error before each update counts.
        validation: what chooses the weights that are carried over, for plans that do so.
        outputs: the outputs of the network that count; targets are numbers of outputs, counted from 0.
        view: turns kept inputs into those that the network sees.
        augment: changes inputs that are learned from, at random, after `view`.
        identity: tasks of the same identity are the same: one that was there before is a return.
        parameters: what tells the task from others, for people and metrics.
    """

    index: int
    train: Examples
    outputs: slice
    test: Examples | None = None
    validation: Examples | None = None
    view: View = as_they_are
    augment: Augment | None = None
    identity: int = -1
    parameters: Mapping[str, int | float | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.identity < 0:
            object.__setattr__(self, "identity", self.index)

    def relative(self, targets: Tensor) -> Tensor:
        """Class numbers counted from the first output that counts; numbers to regress on as they are."""
        return targets if targets.is_floating_point() or not self.outputs.start else targets - self.outputs.start


def _tensor(name: str, values: Any) -> Tensor:
    if isinstance(values, Tensor):
        return values
    if not isinstance(values, np.ndarray):
        raise TypeError(
            f"{name} must be a tensor or a NumPy array, got {type(values).__name__}; Examples.gathered(source) makes "
            "examples of a data set or a DataLoader"
        )
    tensor = torch.as_tensor(values)
    return tensor.to(torch.get_default_dtype()) if tensor.dtype == torch.float64 else tensor
