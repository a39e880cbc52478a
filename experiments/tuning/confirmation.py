"""The best settings and the recipe's own, on seeds that the search has not seen, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from experiments.tuning.request import Request
from experiments.tuning.search import as_words
from experiments.tuning.study import folder_of
from launch.console import say
from launch.sweeps.engine import Engine
from launch.sweeps.plan import Job, job_of
from launch.sweeps.sweep import Outcome, train_all
from plastic_rl.compare import Comparison, Group, as_csv, compare, draw, print_table
from plastic_rl.runs import write_result

OWN, FOUND = "the recipe's own", "found"


def arms(request: Request, values: dict[str, Any]) -> dict[str, list[Job]]:
    """The runs that confirm a search, by what they are called.

    Args:
        request: the search.
        values: the best; where these are the recipe's own, there is one arm alone.
    """
    kinds = {OWN: list[str]()} | ({} if values == request.own_values else {FOUND: as_words(values)})
    return {
        kind: [
            job_of([*request.words, *words, f"seed={seed}", "seeds=1"], f"{kind}, seed {seed}")
            for seed in unseen_seeds(request)
        ]
        for kind, words in kinds.items()
    }


def unseen_seeds(request: Request) -> range:
    """The seeds after those of the search."""
    first = request.own.runs[0].seed + max(len(request.own.runs), request.own.runs[0].seeds)
    return range(first, first + request.effort.confirm)


def confirm(request: Request, values: dict[str, Any], engine: Engine) -> Outcome:
    """Trains what confirms a search, and prints, draws and writes the comparison."""
    runs = arms(request, values)
    outcome = train_all([job for jobs in runs.values() for job in jobs], engine)
    if outcome.exit_code == 0 and not outcome.failed:
        _report(runs, folder_of(request))
    return outcome


def _report(runs: dict[str, list[Job]], folder: Path) -> None:
    found = compare([each.path for jobs in runs.values() for job in jobs for each in job.folders])
    found = _called(found, runs)
    rows = found.rows
    say("\nOn seeds that the search has not seen:")
    print_table(found, rows)
    draw(found, folder / "confirmation.png", f"{folder.name} in {folder.parent.name}")
    write_result(folder / "confirmation.csv", lambda file: file.write(as_csv(rows).encode()))
    say(f"written: {folder / 'confirmation.csv'}, {folder / 'confirmation.png'}")


def _called(found: Comparison, runs: dict[str, list[Job]]) -> Comparison:
    """A comparison whose groups are called by their arms, the recipe's own first."""
    kinds = {each.path: kind for kind, jobs in runs.items() for job in jobs for each in job.folders}
    groups: Sequence[Group] = [replace(group, name=kinds[group.runs[0].path]) for group in found.groups]
    return replace(found, groups=sorted(groups, key=lambda group: list(runs).index(group.name)))
