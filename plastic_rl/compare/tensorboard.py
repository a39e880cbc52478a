"""Runs of TensorBoard: folders with event files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plastic_rl.compare.foreign import tabled
from plastic_rl.compare.runs import Run
from plastic_rl.extras import needed

PATTERN = "events.out.tfevents.*"


def runs_in(folder: Path, score: str | None) -> Iterator[Run]:
    """The run of a folder of event files.

    Args:
        folder: with one or more.
        score: the name of what the run is judged by; None for the first known.

    Raises:
        UserError: the package tensorboard is not installed.
    """
    needed("tensorboard", "reading TensorBoard's event files")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    rows: dict[int, dict[str, float]] = {}
    tags: Any = events.Tags()
    for name in tags["scalars"]:
        for event in events.Scalars(name):
            rows.setdefault(event.step, {"step": float(event.step)})[name] = float(event.value)
    yield from tabled(folder, [rows[step] for step in sorted(rows)], score)
