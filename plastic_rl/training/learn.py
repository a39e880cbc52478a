"""Trains a learner on a stream in a run folder, from where the folder stands to the end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch

from plastic_rl.learners.learner import Learner
from plastic_rl.runs import (
    Interruption,
    MetricsFile,
    Progress,
    RunFolder,
    RunRecord,
    Track,
    open_tracker_undrawn,
    outcome_recorded,
)
from plastic_rl.streams.stream import Stream
from plastic_rl.training.course import Course, example_count
from plastic_rl.training.keeper import Keeper


@dataclass(frozen=True)
class Summary:
    """How a run ended.

    Args:
        examples: that each seed learned from, counted each time.
        seconds: of this process, without those before a resume.
        last: what was measured when the last task ended, by name, as the mean over seeds.
    """

    examples: int
    seconds: float
    last: Mapping[str, float]


def learn(
    streams: Sequence[Stream],
    learner: Learner,
    folder: RunFolder,
    *,
    track: Track = Track.off,
    checkpoint_seconds: float = 300.0,
    config: Mapping[str, Any] | None = None,
    name: str = "run",
    group: str = "runs",
) -> Summary:
    """Trains a learner and writes the run's folder; goes on exactly from the folder's last checkpoint if it has one.

    Streams and learner must be built with the settings that the checkpoint was, and the folder prepared.

    Args:
        streams: one for each seed of the learner, alike in all but their seeds.
        learner: a fresh one.
        folder: where the run lives.
        track: where it is tracked.
        checkpoint_seconds: between two checkpoints.
        config: the settings, for the tracker.
        name: of the run, for the tracker.
        group: of runs that differ in their seed only, for the tracker.

    Raises:
        UserError: the request cannot be met.
        RunError: the run could not go on.
        RunInterruptedError: it was asked to stop; it has saved a checkpoint.
    """
    began, found = time.monotonic(), folder.checkpoints.latest()
    saved: dict[str, Any] = {} if found is None else found[1]
    record = RunRecord(folder.record_file)
    with ExitStack() as stack:
        interruption = stack.enter_context(Interruption())
        tracker = open_tracker_undrawn(
            track, folder.path, run_id=saved.get("tracker"), name=name, group=group, config=config or {}
        )
        metrics = stack.enter_context(MetricsFile(folder.metrics_file, saved.get("metrics")))
        keeper = Keeper(folder, record, metrics, tracker, seconds=checkpoint_seconds, interruption=interruption)
        course = Course(streams, learner, keeper.write, keeper.pause)
        keeper.watch(course, saved)
        record.start(course.position.examples)
        stack.enter_context(outcome_recorded(record, tracker, lambda: course.position.examples))
        keeper.progress = stack.enter_context(
            Progress(example_count(streams[0]), course.position.examples, unit="examples")
        )
        course.go()
        keeper.check_health()
        keeper.save()
        torch.save([network.state_dict() for network in learner.networks], folder.weights_file)
    return Summary(course.position.examples, time.monotonic() - began, keeper.last)
