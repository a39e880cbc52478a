"""What every run does around its training: a tracker that draws nothing, and a record of how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plastic_rl.errors import RunInterruptedError
from plastic_rl.runs.randomness import random_state, restore_random_state
from plastic_rl.runs.record import RunRecord
from plastic_rl.runs.tracking import Track, Tracker, open_tracker


def open_tracker_undrawn(
    track: Track, folder: Path, *, run_id: str | None, name: str, group: str, config: Mapping[str, Any]
) -> Tracker:
    """Start tracking a run; what the tracker draws for its names does not change the run's random numbers.

    Args:
        track: Where to.
        folder: The run's folder.
        run_id: `run_id` of the tracker that the run had before it was interrupted; None for a new run.
        name: What the run is called.
        group: What it is compared with.
        config: The resolved settings.
    """
    random = random_state()
    tracker = open_tracker(track, folder=folder, run_id=run_id, name=name, group=group, config=config)
    restore_random_state(random)
    return tracker


@contextmanager
def outcome_recorded(record: RunRecord, tracker: Tracker, step: Callable[[], int]) -> Iterator[None]:
    """Record how the run inside ends, whichever way it does.

    Args:
        record: Where.
        tracker: Told as well.
        step: Gives the global step so far.
    """
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
