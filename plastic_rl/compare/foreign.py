"""Runs that others wrote: Stable-Baselines3's monitor.csv and progress.csv."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plastic_rl.compare.runs import Run, Series

# What steps and returns are called, by SB3, CleanRL and others; the first that is there.
STEPS = ("time/total_timesteps", "total_timesteps", "global_step", "step", "_step")
SCORES = ("rollout/ep_rew_mean", "episode/return", "charts/episodic_return", "eval/mean_reward")

_SEED = re.compile(r"[_\-.]?(?:seed|s)?[_\-=]?(\d+)$")


def monitored(files: Sequence[Path], measures: Mapping[str, Series]) -> Iterator[Run]:
    """The run of a folder with one `monitor.csv` for each copy of its world.

    Args:
        files: the folder's monitors.
        measures: what else is known of it.
    """
    episodes = sorted(episode for file in files for episode in _episodes(file))
    if not episodes:
        return
    lengths = np.cumsum([length for _, length, _ in episodes])
    score = Series(lengths.astype(np.float64), np.array([value for _, _, value in episodes]))
    folder = files[0].parent
    yield Run(
        path=folder,
        **named(folder),
        score=score,
        score_name="return",
        length=float(lengths[-1]),
        measures=measures,
        seconds=episodes[-1][0] - min(map(_start, files)),
    )


def _episodes(file: Path) -> Iterator[tuple[float, int, float]]:
    """The end of each episode, in seconds, its length and its return."""
    start = _start(file)
    with file.open(newline="") as lines:
        lines.readline()
        rows = list(csv.DictReader(lines))
    whole = [row for row in rows if row.get("t")]  # a run that goes on may be writing the last line
    yield from ((start + float(row["t"]), int(float(row["l"])), float(row["r"])) for row in whole)


def _start(file: Path) -> float:
    """The beginning of a monitor, in seconds."""
    with file.open() as lines:
        head = lines.readline()
    if not head.startswith("#"):
        raise ValueError(f"{file} does not begin with the line of a monitor: '#{{\"t_start\": …'")
    return float(json.loads(head[1:]).get("t_start", 0.0))


def logged(file: Path, score: str | None) -> Iterator[Run]:
    """The run of a table with a row for each time it was logged, such as SB3's `progress.csv`.

    Args:
        file: with the columns' names in its first line.
        score: the column that the run is judged by; None for the first known.
    """
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    yield from tabled(file, _numbers(rows), score)


def _numbers(rows: Sequence[Mapping[str, str]]) -> list[dict[str, float]]:
    return [{name: float(text) for name, text in row.items() if _is_number(text)} for row in rows]


def _is_number(text: str | None) -> bool:
    try:
        float(text or "")
    except ValueError:
        return False
    return True


def tabled(
    path: Path, rows: Sequence[Mapping[str, float]], score: str | None, settings: Mapping[str, object] | None = None
) -> Iterator[Run]:
    """The run of rows of numbers.

    Args:
        path: of what they were read from.
        rows: each of them the numbers of one time.
        score: the name of what the run is judged by; None for the first known.
        settings: of the run, where they are known.

    Raises:
        ValueError: nothing is known to be steps, or a score; the message has the names that there are.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not rows:
        return
    step = _first(STEPS, names, path, "steps")
    judged = score if score in names else _first(SCORES if score is None else (score,), names, path, "scores")
    series = {name: Series.of([(row[step], row[name]) for row in rows if {step, name} <= row.keys()]) for name in names}
    if not len(series[judged].steps):
        return
    yield Run(
        path=path,
        **named(path.parent if path.is_file() else path),
        settings=settings or {},
        score=series[judged],
        score_name="return" if judged in SCORES else judged,
        length=max(float(each.steps[-1]) for each in series.values() if len(each.steps)),
        measures={name: each for name, each in series.items() if name not in (step, judged)},
    )


def _first(known: Sequence[str], names: Sequence[str], path: Path, kind: str) -> str:
    found = next((name for name in known if name in names), None)
    if found is None:
        raise ValueError(
            f"{path}: none of its columns is known to be {kind} ({', '.join(known)})\n"
            f"Say which with --score: {', '.join(names)}"
        )
    return found


def named(folder: Path) -> dict[str, Any]:
    """The name and the seed of a run that says neither, from its folder: `ppo_3` and `ppo-seed3` are `ppo`, seed 3."""
    found = _SEED.search(folder.name)
    if found is None:
        return {"name": folder.name, "seed": None}
    name = folder.name[: found.start()] or folder.parent.name
    return {"name": name, "seed": int(found[1])}
