"""Runs of plastic_rl: folders with a run.json and a metrics.jsonl."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from plastic_rl.compare.foreign import named
from plastic_rl.compare.runs import Run, Series
from plastic_rl.runs import read_metrics, read_record

METRICS, RECORD, SETTINGS = "metrics.jsonl", "run.json", "config.yaml"

# What a stream is judged by, the first that was measured.
OF_A_STREAM = ("test/average", "test/accuracy", "online/accuracy", "test/error", "online/error")

# Words of a command that do not change what comes out.
_WITHOUT_EFFECT = frozenset(
    {"seed", "seeds", "track", "out", "fresh", "debug", "checkpoint_seconds", "formats", "device", "threads"}
)
_FOLDER = re.compile(r"[0-9a-f]{10}-s\d+(-\d+)?")
_ABOUT = frozenset({"global_step", "seed", "task/index", "episode/length"})


def is_run(folder: Path) -> bool:
    """True if plastic_rl wrote a run there."""
    return (folder / METRICS).is_file() and (folder / RECORD).is_file()


def runs_in(folder: Path) -> Iterator[Run]:
    """The run of a folder, or one for each seed of a stream.

    Raises:
        ValueError: a line of the metrics is not JSON.
    """
    lines = read_metrics(folder / METRICS)
    record, settings = read_record(folder / RECORD), _settings(folder)
    by_seed: dict[Any, list[Mapping[str, Any]]] = {}
    for line in lines:
        by_seed.setdefault(line.get("seed"), []).append(line)
    for seed, of_seed in by_seed.items():
        yield from _run(folder, settings.seed if seed is None else seed, settings, record, of_seed)


class _Settings(dict[str, object]):
    """The settings of a run that make its result, and its seed."""

    seed: int | None = None


def _settings(folder: Path) -> _Settings:
    file = folder / SETTINGS
    plain = yaml.safe_load(file.read_text()) if file.is_file() else {}
    found = _Settings(_flat(plain if isinstance(plain, dict) else {}))
    seed = found.get("seed")
    found.seed = seed if isinstance(seed, int) else None
    for name in [name for name in found if name in _WITHOUT_EFFECT]:
        del found[name]
    if _FOLDER.fullmatch(folder.name):  # runs/<env>/<agent>/<what makes the result>-s<seed>
        found |= {"agent": folder.parts[-2], "env": folder.parts[-3]}
    return found


def _flat(plain: Mapping[str, Any], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in plain.items():
        inside = isinstance(value, dict)
        flat |= _flat(value, f"{prefix}{name}.") if inside else {f"{prefix}{name}": value}
    return flat


def _run(
    folder: Path, seed: int | None, settings: _Settings, record: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]
) -> Iterator[Run]:
    names = {name for line in lines for name in line}
    score = next((name for name in ("episode/return", *OF_A_STREAM) if name in names), None)
    if score is None:  # nothing has ended yet
        return
    on_a_stream = score != "episode/return"
    step = "task/index" if on_a_stream else "global_step"
    measures = {name: _series(lines, step, name) for name in sorted(names - _ABOUT - {score})}
    yield Run(
        path=folder,
        name=named(folder)["name"],
        seed=named(folder)["seed"] if seed is None else seed,
        settings=dict(settings),
        score=_series(lines, step, score, shift=int(on_a_stream)),
        score_name="return" if not on_a_stream else score.replace("/", " "),
        unit="tasks" if on_a_stream else "environment steps",
        length=float(max(line[step] for line in lines if step in line) + int(on_a_stream)),
        changes=() if on_a_stream else _changes(lines),
        measures={name: series for name, series in measures.items() if len(series.steps)},
        seconds=record.get("seconds"),
        finished=record.get("status") == "finished",
    )


def _series(lines: Sequence[Mapping[str, Any]], step: str, name: str, shift: int = 0) -> Series:
    pairs = [
        (float(line[step] + shift), float(line[name])) for line in lines if step in line and _is_number(line.get(name))
    ]
    return Series.of(pairs)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _changes(lines: Sequence[Mapping[str, Any]]) -> tuple[float, ...]:
    # Copies of a world take up a new task one by one: the change is the first sight of it.
    first_seen: dict[int, float] = {}
    for line in lines:
        if "task/index" in line:
            first_seen.setdefault(line["task/index"], float(line["global_step"]))
    return tuple(sorted(first_seen.values())[1:])
