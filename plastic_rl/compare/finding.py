"""All runs below some folders, whoever wrote them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from plastic_rl.compare import foreign, ours, tensorboard, wandb_files
from plastic_rl.compare.runs import Run
from plastic_rl.errors import UserError

KINDS = "folders of plastic_rl, monitor.csv, progress.csv, TensorBoard's event files, W&B's run-*.wandb"


def find_runs(places: Sequence[str | Path], score: str | None = None) -> list[Run]:
    """All runs in and below some folders; what plastic_rl wrote is read from its own files alone.

    Args:
        places: folders.
        score: the name of what other people's runs are judged by; None for the first known.

    Raises:
        UserError: a folder is not there, there is no run in any, or a file cannot be read.
    """
    runs: list[Run] = []
    for place in map(Path, places):
        if not place.is_dir():
            raise UserError(f"{place} is no folder: expected one with runs ({KINDS})")
        for folder, subfolders, _ in os.walk(place):
            subfolders.sort()
            found, is_whole = _read(Path(folder), score)
            runs += found
            if is_whole:
                subfolders.clear()
    if not runs:
        raise UserError(f"There is no run with a score in {', '.join(map(str, places))}: expected {KINDS}")
    return runs


def _read(folder: Path, score: str | None) -> tuple[list[Run], bool]:
    """The runs of a folder, and whether what lies below belongs to them."""
    try:
        if ours.is_run(folder):
            return list(ours.runs_in(folder)), True
        return list(_foreign(folder, score)), False
    except (ValueError, KeyError) as error:
        text = str(error)
        raise UserError(text if str(folder) in text else f"{folder} cannot be read: {text}") from error


def _foreign(folder: Path, score: str | None) -> Iterator[Run]:
    """The runs of a folder, each read from the file that says most of it."""
    if files := sorted(folder.glob(wandb_files.PATTERN)):
        for file in files:
            yield from wandb_files.runs_in(file, score)
    elif score is None and (monitors := sorted(folder.glob("*monitor.csv"))):
        logged = foreign.logged(folder / "progress.csv", None) if (folder / "progress.csv").is_file() else []
        yield from foreign.monitored(monitors, {name: each for run in logged for name, each in run.measures.items()})
    elif (folder / "progress.csv").is_file():
        yield from foreign.logged(folder / "progress.csv", score)
    elif any(folder.glob(tensorboard.PATTERN)):
        yield from tensorboard.runs_in(folder, score)
