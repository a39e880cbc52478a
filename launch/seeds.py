"""The runs of one command: one for a stream, whatever its seeds, and one for each seed of an agent that acts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

from envs.recipe import SupervisedStream
from launch.console import say
from launch.run import run
from launch.settings import Settings
from launch.validation import check
from plastic_rl.errors import RunError, RunInterruptedError
from plastic_rl.runs import RunFolder


def run_seeds(settings: Settings) -> list[RunFolder]:
    """Train all seeds that the settings ask for, each as far as it is not trained yet.

    Args:
        settings: Where an agent acts in an environment each seed has the folder, and all files, of a run of its own.

    Raises:
        UserError: The settings ask for what cannot be.
        RunError: Some of the seeds could not go on; the others are finished.
        RunInterruptedError: All were asked to stop.
    """
    check(settings)
    runs = runs_of(settings)
    return [run(settings)] if len(runs) == 1 else _in_turn(runs)


def runs_of(settings: Settings) -> list[Settings]:
    """Return the settings of each run: seeds that learn from streams are one run, seeds that act are one each."""
    if isinstance(settings.env, SupervisedStream):
        return [settings]
    seeds = range(settings.seed, settings.seed + settings.seeds)
    return [replace(settings, seed=seed, seeds=1) for seed in seeds]


def _in_turn(runs: Sequence[Settings]) -> list[RunFolder]:
    folders, failed = list[RunFolder](), list[int]()
    for place, settings in enumerate(runs, 1):
        say(f"seed {settings.seed}, {place} of {len(runs)}")
        try:
            folders.append(run(settings))
        except RunInterruptedError:
            raise
        except RunError as error:  # of this seed alone
            print(error, file=sys.stderr)
            failed.append(settings.seed)
    if failed:
        raise RunError(_told(failed, len(runs)))
    return folders


def _told(failed: Sequence[int], count: int) -> str:
    those = ", ".join(map(str, failed))
    return f"Of {count} seeds {len(failed)} could not go on, for the reason given above: {those}. The rest is finished."
