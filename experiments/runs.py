"""Runs the arms of a study, as many at a time as asked, and gathers what they wrote into small tables."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plastic_rl.runs import read_metrics, read_record

ROOT = Path(__file__).resolve().parents[1]

# Measured every few rollouts, and kept in the tables beside the return; units and ranks are shares of the width.
DIAGNOSTICS = ("units/dormant", "rank/srank99", "weights/mean_abs", "cbp/replaced", "policy/entropy", "policy/logits")


@dataclass(frozen=True)
class Arm:
    """One thing that is compared: a name, and what its command line says.

    Args:
        name: what tables and figures call it.
        overrides: the words of the command, without the seed.
    """

    name: str
    overrides: tuple[str, ...]

    def command(self, seed: int, out: Path, seeds: int = 1) -> list[str]:
        """The whole command of one run, or of the runs of several seeds, of which the given one is the first.

        It is for the root of the project, of whose place on this machine it says nothing.
        """
        several = [] if seeds == 1 else [f"seeds={seeds}"]
        place = out / self.name.replace(" ", "_")
        folder = f"out={place.relative_to(ROOT) if place.is_relative_to(ROOT) else place}"
        return ["train.py", *self.overrides, f"seed={seed}", *several, "track=off", folder]


def run_missing(
    arms: Iterable[Arm], seeds: Sequence[int], out: Path, jobs: int, *, seeds_together: bool = False
) -> None:
    """Runs what is not finished yet; train.py itself passes over what is.

    Args:
        arms: what is run.
        seeds: of each arm; successive ones, where they are trained together.
        out: the folder of the runs.
        jobs: commands at a time.
        seeds_together: one command for all seeds of an arm, which trains them side by side where that is faster.

    Raises:
        RuntimeError: names the runs that failed, after all the others have ended.
    """
    if seeds_together:
        commands = [arm.command(seeds[0], out, len(seeds)) for arm in arms]
    else:
        commands = [arm.command(seed, out) for seed in seeds for arm in arms]
    with ThreadPoolExecutor(jobs) as pool:
        codes = list(pool.map(_run, commands))
    failed = [" ".join(command) for command, code in zip(commands, codes, strict=True) if code]
    if failed:
        raise RuntimeError("these runs failed:\n" + "\n".join(failed))


def _run(command: Sequence[str]) -> int:
    result = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    print((result.stdout or result.stderr).strip().splitlines()[-1], flush=True)
    return result.returncode


def gather(
    arms: Iterable[Arm], out: Path, bin_steps: int, diagnostics: Iterable[str] = DIAGNOSTICS
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The curves of all finished runs, one row for each bin of steps, and one row about each run."""
    curves: list[dict[str, Any]] = []
    runs: list[dict[str, Any]] = []
    for arm in arms:
        for record_file in sorted((out / arm.name.replace(" ", "_")).glob("*/*/*/run.json")):
            seed, record = int(record_file.parent.name.rpartition("-s")[2]), read_record(record_file)
            if record.get("status") == "finished":
                curves += [
                    {"arm": arm.name, "seed": seed, **row} for row in curve(record_file.parent, bin_steps, diagnostics)
                ]
                runs.append({"arm": arm.name, "seed": seed, **about(record)})
    return curves, runs


def curve(folder: Path, bin_steps: int, diagnostics: Iterable[str] = DIAGNOSTICS) -> list[dict[str, Any]]:
    """A run's mean return in each bin of steps, and the last diagnostics that there are at its end."""
    lines = read_metrics(folder / "metrics.jsonl")
    steps = int(max(float(str(line["global_step"])) for line in lines)) // bin_steps
    bins: list[list[Mapping[str, Any]]] = [[] for _ in range(steps)]
    for line in lines:
        place = (int(str(line["global_step"])) - 1) // bin_steps
        if place < steps:
            bins[place].append(line)
    known: dict[str, Any] = dict.fromkeys(diagnostics, "")
    return [{"step": (place + 1) * bin_steps, **_bin(inside, known)} for place, inside in enumerate(bins)]


def _bin(lines: list[Mapping[str, Any]], known: dict[str, Any]) -> dict[str, Any]:
    """The row of a bin; the diagnostics that are known are kept up to date."""
    returns = [line["episode/return"] for line in lines if "episode/return" in line]
    row: dict[str, Any] = {"return": round(float(np.mean(returns)), 2) if returns else ""}
    for name, before in known.items():
        values = [line[name] for line in lines if name in line]
        known[name] = f"{values[-1]:.5g}" if values else before
    return {**row, **known}


def about(record: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a run in a table: status, length, pace, commit, command and versions."""
    named = ("status", "global_step", "seconds", "steps_per_second", "commit", "command")
    return {**{name: record.get(name) for name in named}, "versions": json.dumps(record.get("versions"))}


def write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes rows as CSV, the first row's keys as header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
