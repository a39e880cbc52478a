"""The runs of one command: one for a stream, whatever its seeds, and one for each seed of an agent that acts."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from envs.recipe import SupervisedStream
from launch.console import say
from launch.device import check_device_present
from launch.run import run, run_folder, say_what_is_there, write_settings
from launch.settings import Settings
from launch.validation import check
from plastic_rl.choices import SeedsIn
from plastic_rl.errors import RunError, RunInterruptedError
from plastic_rl.runs import RunFolder

logger = logging.getLogger("plastic_rl.launch")


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
    _check_start(runs[0])
    if len(runs) == 1:
        return [run(runs[0])]
    side_by_side = _to_go_side_by_side(settings, runs)
    failed = _side_by_side(side_by_side) + _in_turn([each for each in runs if each not in side_by_side])
    if failed:
        raise RunError(_told(failed, len(runs)))
    return [run_folder(each) for each in runs]


def runs_of(settings: Settings) -> list[Settings]:
    """Return the settings of each run: seeds that learn from streams are one run, seeds that act are one each."""
    if isinstance(settings.env, SupervisedStream):
        return [settings]
    seeds = range(settings.seed, settings.seed + settings.seeds)
    return [replace(settings, seed=seed, seeds=1, seeds_in=SeedsIn.auto.value) for seed in seeds]


def _check_start(settings: Settings) -> None:
    """Refuse a saved model that does not fit, before a run has a folder."""
    if settings.start_from is not None and (settings.fresh or run_folder(settings).status == "new"):
        from launch.reinforcement import learner

        learner(settings)


def _to_go_side_by_side(settings: Settings, runs: Sequence[Settings]) -> list[Settings]:
    """The runs that are not finished, where they are to be trained side by side; else none."""
    from launch.reinforcement import why_in_turn

    unfinished = [each for each in runs if each.fresh or run_folder(each).status != "finished"]
    if len(unfinished) < 2:
        return []
    check_device_present(settings.device)
    reason = why_in_turn(settings)
    if reason is not None:
        logger.info("Seeds are trained in turn: %s.", reason)
    return unfinished if reason is None else []


def _side_by_side(runs: Sequence[Settings]) -> list[int]:
    """Train as one batched network; return the seeds that could not go on."""
    if not runs:
        return []
    from launch.reinforcement import train_together

    folders = [run_folder(each) for each in runs]
    with ExitStack() as held:
        for settings, folder in zip(runs, folders, strict=True):
            folder.prepare(settings.fresh)
            held.callback(folder.release)
            write_settings(settings, folder)
        outcomes = train_together(runs, folders)
    for folder, outcome in zip(folders, outcomes, strict=True):
        if isinstance(outcome, RunError):
            _say_what_failed(outcome)
        else:
            say_what_is_there(outcome, folder)
    return [each.seed for each, outcome in zip(runs, outcomes, strict=True) if isinstance(outcome, RunError)]


def _in_turn(runs: Sequence[Settings]) -> list[int]:
    """Train one after another; return the seeds that could not go on."""
    failed = list[int]()
    for place, settings in enumerate(runs, 1):
        say(f"seed {settings.seed}, {place} of {len(runs)}")
        try:
            run(settings)
        except RunInterruptedError:
            raise
        except RunError as error:  # of this seed alone
            _say_what_failed(error)
            failed.append(settings.seed)
    return failed


def _say_what_failed(error: RunError) -> None:
    print(error, file=sys.stderr)


def _told(failed: Sequence[int], count: int) -> str:
    those = ", ".join(map(str, failed))
    return f"Of {count} seeds {len(failed)} could not go on, for the reason given above: {those}. The rest is finished."
