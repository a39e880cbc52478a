"""Trains a learner on a stream in a run folder, from where the folder stands to the end."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from plastic_rl.diagnostics.probing import ProbeSettings
from plastic_rl.errors import UserError
from plastic_rl.forecast import Forecast, forecast
from plastic_rl.learners.learner import Learner
from plastic_rl.optim import methods_in
from plastic_rl.pictures import draw_task_curve
from plastic_rl.runs import RunFolder, Track, open_session, write_result
from plastic_rl.streams.stream import Stream
from plastic_rl.training.course import example_count, update_count
from plastic_rl.training.keeper import CourseKeeper
from plastic_rl.training.task_check import check_streams

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CourseSummary:
    """The end of the training of a learner.

    Args:
        examples: that each seed learned from, counted each time.
        seconds: of this process, without those before a resume.
        last: what was measured when the last task ended, by name, as the mean over seeds.
    """

    examples: int
    seconds: float
    last: Mapping[str, float]


def train_learner(
    streams: Sequence[Stream],
    learner: Learner,
    folder: RunFolder,
    *,
    track: Track = Track.off,
    checkpoint_seconds: float = 300.0,
    settings: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    name: str = "run",
    group: str = "runs",
    title: str | None = None,
    probe_every: int = 0,
    probe: ProbeSettings | None = None,
) -> CourseSummary:
    """Trains a learner and writes the run's folder; goes on exactly from the folder's last checkpoint if it has one.

    Streams and learner must be built with the settings that the checkpoint was. A folder that is not prepared is
    prepared, and released in the end.

    Args:
        streams: one for each seed of the learner, alike in all but their seeds.
        learner: a fresh one.
        folder: where the run lives.
        track: where it is tracked.
        checkpoint_seconds: between two checkpoints.
        settings: what makes the result, the seed included: a checkpoint of other settings is refused. None for what
            is known of them here.
        config: all settings, for the tracker.
        name: of the run, for the tracker.
        group: of runs that differ in their seed only, for the tracker.
        title: what stands above the picture of the run; None for its name.
        probe_every: tasks from one probe (can the network still learn?) to the next; 0 for none.
        probe: the settings of probes; None for the usual ones.

    Raises:
        UserError: the request cannot be met.
        RunError: the run could not go on.
        RunInterruptedError: it was asked to stop; it has saved a checkpoint.
    """
    check_streams(streams)
    began = time.monotonic()
    keeper = _keeper_of(streams, learner, probe_every, probe)
    safety: dict[str, Any] = {"unit": "examples", "checkpoint_seconds": checkpoint_seconds}
    tracked: dict[str, Any] = {"track": track, "settings": settings, "config": config, "name": name, "group": group}
    with open_session(folder, keeper, example_count(streams[0]), **safety, **tracked) as keeper.session:
        if not (expected := _expected(streams[0], learner)).is_empty:
            logger.info("%s", expected.line)
        _go(keeper)
        _leave_results(keeper, learner, folder)
    draw_task_curve(folder.metrics_file, folder.picture_file, title or name)
    return CourseSummary(keeper.step, time.monotonic() - began, keeper.last)


def _keeper_of(
    streams: Sequence[Stream], learner: Learner, probe_every: int, probe: ProbeSettings | None
) -> CourseKeeper:
    try:
        return CourseKeeper(streams, learner, probe_every, probe)
    except TypeError as error:
        raise UserError(f"probe_every={probe_every} cannot be had: {error}") from error


def _leave_results(keeper: CourseKeeper, learner: Learner, folder: RunFolder) -> None:
    """Saves the last checkpoint, and the weights of all networks."""
    keeper.session.keeper.save()
    weights = [network.state_dict() for network in learner.networks]
    write_result(folder.weights_file, lambda file: torch.save(weights, file))


def _expected(stream: Stream, learner: Learner) -> Forecast:
    """The future of a learner's methods on a stream, in updates, and what is amiss."""
    updates = update_count(stream)
    expected = sum((forecast(each, run_length=updates) for each in learner.optimizers), Forecast([], []))
    return expected if stream.plan.tasks > 1 else expected + Forecast([], list(_waiting(learner)))


def _waiting(learner: Learner) -> Iterator[str]:
    """The sentences about methods that wait for changes, for a stream that has none."""
    for method in (method for each in learner.optimizers for method in methods_in(each)):
        if method.waits_for_changes:
            yield f"{type(method).__name__} acts at changes, and the stream has one task: it will do nothing."


def _go(keeper: CourseKeeper) -> None:
    try:
        keeper.course.go()
    except torch.linalg.LinAlgError as error:  # pyright: ignore[reportPrivateImportUsage]
        # A decomposition, of activations or of statistics, that did not converge.
        keeper.session.keeper.refuse(keeper.fault_behind(error))
