"""Searches for better settings of an agent, and confirms them on seeds that the search has not seen.

    python -m experiments.tune agent=ppo_cbp env=permuted-cartpole trials=50 jobs=2

The words are those of `train.py`, and `trials=`, `jobs=`, `confirm=`, `pruner=` and `over=`. What they fix is not
searched. `seeds=2` judges each trial by two runs. The same command goes on with a search that was interrupted; given in
several terminals, or on several machines that share the folder, all search together.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from experiments.tuning.confirmation import confirm
from experiments.tuning.request import Effort, Request, requested
from experiments.tuning.search import Search, as_words, best_values
from experiments.tuning.study import folder_of, open_study
from launch.console import say
from launch.messages import explained
from launch.sweeps.local import Pool, usable_cores
from plastic_rl.runs import Interruption, write_result


def main(arguments: Sequence[str]) -> int:
    """Searches as a command line asks; returns its exit status."""
    if {"-h", "--help"} & set(arguments):
        say(f"{__doc__}\n{Effort.__doc__}")
        return 0
    try:
        return _tune(requested(arguments))
    except Exception as error:
        told = explained(error)
        if told is None:
            raise
        print(told, file=sys.stderr)
        return told.exit_code


def _tune(request: Request) -> int:
    study = open_study(request)
    with closing(_pool(request)) as engine, Interruption() as interruption:
        try:
            Search(request, study, engine).run(interruption)
        finally:
            table = _write(study, folder_of(request), request)
    if interruption.requested:
        say(f"Stopped; the same command goes on. So far: {table}")
        return interruption.exit_code
    values = best_values(study)
    say(f"\nBest of {len(study.trials)} trials: {' '.join(as_words(values))}\nwritten: {table}")
    if not request.effort.confirm:
        return 0
    outcome = confirm(request, values, _pool(request))
    for job in outcome.failed:
        print(f"{job.name}: {outcome.endings[job.name].told}", file=sys.stderr)
    return outcome.exit_code or int(bool(outcome.failed))


def _pool(request: Request) -> Pool:
    threads = request.own.runs[0].threads
    return Pool(request.effort.jobs or max(1, usable_cores() // threads), threads)


def _write(study: Any, folder: Path, request: Request) -> Path:
    """The table of all trials."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "state", "score", "minutes", *request.space, "error"])
    for trial in study.get_trials(deepcopy=False):
        minutes = "" if trial.duration is None else f"{trial.duration.total_seconds() / 60:.2f}"
        score = "" if trial.value is None else f"{trial.value:.6g}"
        values = [trial.params.get(name, "") for name in request.space]
        error = trial.user_attrs.get("error", "")
        writer.writerow([trial.number, trial.state.name.lower(), score, minutes, *values, error])
    path = folder / "trials.csv"
    write_result(path, lambda file: file.write(text.getvalue().encode()))
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
