"""Puts together what can only be replaced together: rows that reach the same columns are rows of one unit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

Row = tuple[str, int]  # a layer and one of its outputs
Column = tuple[str, int]  # a layer or norm and one of its columns or entries


@dataclass
class Unit:
    """Rows and columns that belong to one hidden unit.

    Args:
        rows: what produces it, by layer.
        columns: what reads it and what norms it, by layer.
    """

    rows: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    columns: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    @property
    def shape(self) -> tuple[tuple[str, int], ...]:
        """The numbers of its rows and columns, by layer."""
        counted = [(f"row {name}", len(places)) for name, places in self.rows.items()]
        return tuple(sorted(counted + [(f"column {name}", len(places)) for name, places in self.columns.items()]))


def units_of(reach: dict[Row, set[Column]]) -> list[Unit]:
    """The units of a network, from what each row reaches.

    A row that reaches the columns of several rows of one layer mixes them (a query or a key of attention, which
    decides how values are weighed): it is part of none of these units and is left alone.
    """
    owner: dict[Column, Unit] = {}
    for row in sorted(reach, key=lambda row: len(reach[row])):
        if reach[row]:
            _take_in(row, reach[row], owner)
    return list({id(unit): unit for unit in owner.values()}.values())


def _take_in(row: Row, reached: set[Column], owner: dict[Column, Unit]) -> None:
    """Makes a row part of the unit whose columns it reaches, and one unit of several that share it."""
    known = list({id(owner[column]): owner[column] for column in reached if column in owner}.values())
    if _are_apart(known):
        return
    unit = Unit()
    for other in known:
        _absorb(unit, other, owner)
    unit.rows[row[0]].append(row[1])
    for name, place in reached:
        if owner.get((name, place)) is not unit:
            owner[name, place] = unit
            unit.columns[name].append(place)


def _absorb(unit: Unit, other: Unit, owner: dict[Column, Unit]) -> None:
    for name, places in other.rows.items():
        unit.rows[name] += places
    for name, places in other.columns.items():
        unit.columns[name] += places
        owner.update({(name, place): unit for place in places})


def _are_apart(units: Iterable[Unit]) -> bool:
    """True if two of the units have rows in the same layer: they are different units of that layer."""
    layers = [name for unit in units for name in unit.rows]
    return len(layers) > len(set(layers))


def groups_of(units: Iterable[Unit]) -> list[list[Unit]]:
    """The units that share a layer that produces them, in the order of their first rows."""
    groups: list[tuple[set[str], list[Unit]]] = []
    for unit in units:
        names, members = set(unit.rows), [unit]
        apart = []
        for group in groups:
            if group[0] & names:
                names, members = names | group[0], group[1] + members
            else:
                apart.append(group)
        groups = [*apart, (names, members)]
    return [members for _, members in groups]
