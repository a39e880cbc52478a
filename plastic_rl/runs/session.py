"""The work of every run around its training, from finding its checkpoint to recording how it ended."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from plastic_rl.errors import RunInterruptedError
from plastic_rl.runs.atomic import write_result
from plastic_rl.runs.folder import RunFolder
from plastic_rl.runs.identity import check_identity, identity, misfit
from plastic_rl.runs.interruption import Interruption
from plastic_rl.runs.keeper import Keeper, Trainee
from plastic_rl.runs.metrics import MetricsFile
from plastic_rl.runs.progress import JointProgress, Progress
from plastic_rl.runs.randomness import random_state, restore_random_state
from plastic_rl.runs.record import RunRecord, read_record
from plastic_rl.runs.tracking import Track, Tracker, open_tracker

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Session:
    """A run that is on.

    Args:
        metrics: Its numbers.
        tracker: Told of them as well.
        progress: The display of how far it is.
        keeper: Saves it.
    """

    metrics: MetricsFile
    tracker: Tracker
    progress: Progress
    keeper: Keeper


@dataclass(frozen=True)
class Company:
    """The belongings that several runs in one process share.

    Args:
        interruption: Asks all of them to stop; entered, and left, by their owner, as is the other.
        progress: Shows them as one.
    """

    interruption: Interruption
    progress: JointProgress


@contextmanager
def open_session(
    folder: RunFolder,
    trainee: Trainee,
    total: int,
    *,
    unit: str = "steps",
    track: Track = Track.off,
    checkpoint_seconds: float = 300.0,
    settings: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    name: str = "run",
    group: str = "runs",
    company: Company | None = None,
) -> Iterator[Session]:
    """Train in a run's folder: what is trained is put where the last checkpoint was, and how it ends is recorded.

    Args:
        folder: Where the run lives; one that is not prepared is prepared, and released in the end.
        trainee: What is trained, built with the settings that the checkpoint was.
        total: Global step at which the run ends.
        unit: What a step is, in the plural.
        track: Where the run is tracked.
        checkpoint_seconds: Between two checkpoints.
        settings: What makes the result, the seed included: a checkpoint of other settings is refused. None for what the
            trainee itself knows of them.
        config: All settings, for the tracker.
        name: Of the run, for the tracker.
        group: Of runs that differ in their seed only, for the tracker.
        company: What several runs that are on at the same time have together; None for a run alone.

    Raises:
        UserError: The request cannot be met.
        RunError: The run could not go on.
        RunInterruptedError: It was asked to stop; it has saved a checkpoint.
    """
    settings = trainee.settings() if settings is None else settings
    with ExitStack() as stack:
        stack.enter_context(_prepared(folder))
        saved = _resume(folder, trainee, settings, unit)
        _leave_settings(folder, config or settings)
        record = RunRecord(folder.record_file)
        record.start(trainee.step)
        interruption = stack.enter_context(Interruption()) if company is None else company.interruption
        tracker = _open_tracker_undrawn(
            track, folder.path, run_id=saved.get("tracker"), name=name, group=group, config=config or {}
        )
        stack.enter_context(_outcome_recorded(record, tracker, lambda: trainee.step))
        metrics = stack.enter_context(MetricsFile(folder.metrics_file, saved.get("metrics")))
        shown = Progress if company is None else company.progress.share
        progress = stack.enter_context(shown(total, trainee.step, unit))
        enclosed = partial(_enclosed, trainee, settings, metrics, tracker, record)
        keeper = Keeper(
            trainee, folder.checkpoints, enclosed, seconds=checkpoint_seconds, interruption=interruption, unit=unit
        )
        yield Session(metrics, tracker, progress, keeper)


def _enclosed(
    trainee: Trainee, settings: Mapping[str, Any], metrics: MetricsFile, tracker: Tracker, record: RunRecord
) -> dict[str, Any]:
    """Return what a checkpoint holds beside what is trained, and bring the record up to date."""
    position = metrics.position  # first: it notices a folder that is gone
    record.update(trainee.step)
    return {"metrics": position, "tracker": tracker.run_id, **identity(settings)}


@contextmanager
def _prepared(folder: RunFolder) -> Iterator[None]:
    """Prepare and release a folder, unless its owner has done so."""
    if folder.is_prepared:
        yield
        return
    folder.prepare(fresh=False)
    try:
        yield
    finally:
        folder.release()


def _leave_settings(folder: RunFolder, settings: Mapping[str, Any]) -> None:
    """Write the settings down where that was not done."""
    if folder.lacks(folder.config_file):
        plain = json.loads(json.dumps(settings, default=str))
        text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
        write_result(folder.config_file, lambda file: file.write(text.encode()))


def _resume(folder: RunFolder, trainee: Trainee, settings: Mapping[str, Any], unit: str) -> dict[str, Any]:
    """Put what is trained where the folder's last checkpoint was, and return all that this holds; empty without one."""
    found = folder.checkpoints.latest(trainee.damage_beside)
    if found is None:
        _say_what_is_lost(folder, unit)
        return {}
    step, saved = found
    path = folder.checkpoints.path(step)
    check_identity(saved, settings, path)
    try:
        trainee.load_state_dict(saved)
    except (LookupError, ValueError, RuntimeError, TypeError, AttributeError) as error:
        raise misfit(path, error) from error
    logger.info("Going on from %s %d of %s.", unit.removesuffix("s"), step, folder.path)
    return saved


def _say_what_is_lost(folder: RunFolder, unit: str) -> None:
    step = read_record(folder.record_file).get("global_step")
    if step:
        logger.warning(
            "%s was at %s %s, but has no checkpoint: starting over.", folder.path, unit.removesuffix("s"), step
        )


def _open_tracker_undrawn(
    track: Track, folder: Path, *, run_id: str | None, name: str, group: str, config: Mapping[str, Any]
) -> Tracker:
    # What the tracker draws for its names does not change the run's random numbers.
    random = random_state()
    tracker = open_tracker(track, folder=folder, run_id=run_id, name=name, group=group, config=config)
    restore_random_state(random)
    return tracker


@contextmanager
def _outcome_recorded(record: RunRecord, tracker: Tracker, step: Callable[[], int]) -> Iterator[None]:
    try:
        yield
    except (RunInterruptedError, KeyboardInterrupt) as stop:
        record.end("interrupted", step())
        tracker.finish(getattr(stop, "exit_code", 130))
        raise
    except BaseException as error:
        record.end("failed", step(), str(error))
        tracker.finish(getattr(error, "exit_code", 1))
        raise
    record.end("finished", step())
    tracker.finish(0)
