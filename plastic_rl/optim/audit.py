"""Which units were replaced when: the latest replacements of an optimiser, for the record."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from torch import Tensor

from plastic_rl.optim.events import UnitsReplaced


@dataclass(frozen=True)
class Replacement:
    """One unit that was replaced.

    Args:
        step: after which update, counted from 1.
        layer: the name of its layer.
        unit: its place in the layer.
        utility: what it was ranked by.
        age: how many updates it lived.
    """

    step: int
    layer: str
    unit: int
    utility: float
    age: int


class AuditLog:
    """A ring buffer of replacements, kept as tensors where they are until somebody asks.

    Args:
        size: how many replacement events (a layer's units of one update) are kept at most.
    """

    def __init__(self, size: int) -> None:
        self._events: deque[tuple[int, str, Tensor, Tensor, Tensor]] = deque(maxlen=size)

    def add(self, event: UnitsReplaced) -> None:
        """Notes that units of a layer were replaced."""
        utility, age = event.utility[event.units], event.age[event.units]
        self._events.append((event.step, event.layer.name, event.units, utility, age))

    def replacements(self) -> list[Replacement]:
        """The replacements in the order in which they happened."""
        return [
            Replacement(step, layer, unit, utility, int(age))
            for step, layer, *columns in self._events
            for unit, utility, age in zip(*(column.tolist() for column in columns), strict=True)
        ]


def write_csv(replacements: Iterable[Replacement], path: str | Path) -> None:
    """Writes replacements as a table, one line each, with a line of names above."""
    with Path(path).open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Replacement)])
        writer.writeheader()
        writer.writerows(asdict(replacement) for replacement in replacements)
