"""The comparison at the end of a sweep: a table and a picture for each world or stream."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from launch.console import say
from plastic_rl.errors import UserError
from plastic_rl.runs import RunFolder


def compare_runs(folders: Sequence[RunFolder]) -> list[Path]:
    """Compare finished runs by what they differ in, those of each world among themselves; return the pictures.

    Args:
        folders: Of the runs, at `<out>/<env>/<agent>/<settings>-s<seed>`.
    """
    places: dict[Path, list[Path]] = {}
    for folder in folders:
        places.setdefault(folder.path.parents[1], []).append(folder.path)
    pictures = [_compared(place, paths) for place, paths in places.items()]
    return [picture for picture in pictures if picture is not None]


def _compared(place: Path, paths: Sequence[Path]) -> Path | None:
    from plastic_rl.compare import PICTURE, compare, draw, print_table

    try:
        found = compare(paths)
        say(f"\n{place}")
        print_table(found)
        draw(found, place / PICTURE, place.name)
    except (UserError, OSError) as error:
        print(f"{place} is not compared: {error}", file=sys.stderr)
        return None
    say(f"drawn: {place / PICTURE}; python -m plastic_rl.compare {place} compares all runs there")
    return place / PICTURE
