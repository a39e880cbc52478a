"""A sweep: jobs are begun as there is room, watched, and told of when they end."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from launch.console import say
from launch.device import check_device_present
from launch.settings import register
from launch.sweeps.board import Board, board
from launch.sweeps.engine import Engine
from launch.sweeps.plan import Job, jobs_of
from launch.sweeps.summary import compare_runs
from launch.sweeps.words import Launcher, Local, OnRay, taken_from
from launch.sweeps.work import FAILED, Ending
from plastic_rl.errors import UserError
from plastic_rl.runs import Interruption

SECONDS = 0.25
"""Between two looks at what is on."""


@dataclass
class Outcome:
    """The ends of all jobs of a sweep.

    Args:
        jobs: All that there were.
        endings: Of those that have ended, by their names.
        exit_code: Of who asked to stop; 0 where nobody did.
    """

    jobs: Sequence[Job]
    endings: dict[str, Ending] = field(default_factory=dict)
    exit_code: int = 0

    def of(self, fits: Callable[[Ending], bool]) -> list[Job]:
        """The jobs that ended in some way."""
        return [job for job in self.jobs if job.name in self.endings and fits(self.endings[job.name])]

    @property
    def finished(self) -> list[Job]:
        """Those that are trained."""
        return self.of(lambda ending: ending.exit_code == 0)

    @property
    def failed(self) -> list[Job]:
        """Those that could not go on."""
        return self.of(lambda ending: ending.exit_code > 0 and not ending.is_stopped)


def sweep(arguments: Sequence[str]) -> int:
    """Train all runs that a command with `-m` asks for, and compare them.

    Args:
        arguments: The words after `train.py`, as Hydra reads them.

    Returns:
        The exit code: 0 if all are finished, 1 if some failed, that of the signal if they were asked to stop.

    Raises:
        UserError: The command, or one of its runs, asks for what cannot be; none has begun.
    """
    register()
    launcher, words = taken_from(arguments)
    jobs = jobs_of(words)
    return _told(train_all(jobs, engine_of(launcher, jobs)))


def train_all(jobs: Sequence[Job], engine: Engine) -> Outcome:
    """Train those of some jobs that are not done, and show how far they are.

    Args:
        jobs: Checked, with names that differ.
        engine: Trains them; closed in the end.

    Returns:
        What has become of each.
    """
    outcome, missing = Outcome(jobs), [job for job in jobs if not job.is_done]
    with closing(board(jobs)) as shown, closing(engine), Interruption() as interruption:
        for job in jobs:
            if job not in missing:
                _end(job, Ending(0, "already finished"), outcome, shown)
        _train(missing, engine, shown, interruption, outcome)
    outcome.exit_code = interruption.exit_code
    return outcome


def engine_of(launcher: Launcher, jobs: Sequence[Job]) -> Engine:
    """Return what trains jobs as a launcher says.

    Args:
        launcher: The settings of a launcher.
        jobs: To be trained.

    Raises:
        UserError: What it needs is not installed, or not there.
    """
    if isinstance(launcher, Local):
        from launch.sweeps.local import Pool, usable_cores

        settings = [job.runs[0] for job in jobs if not job.is_done]
        for each in settings:
            check_device_present(each.device)
        threads = max((each.threads for each in settings), default=1)
        return Pool(launcher.jobs or max(1, usable_cores() // threads), threads)
    if isinstance(launcher, OnRay):
        from launch.sweeps.on_ray import RayEngine

        return RayEngine(launcher)
    from launch.sweeps.on_slurm import SlurmEngine

    return SlurmEngine(launcher, Path(jobs[0].runs[0].out))


def _train(jobs: Sequence[Job], engine: Engine, shown: Board, interruption: Interruption, outcome: Outcome) -> None:
    waiting, asked = deque(jobs), False
    try:
        while engine.on or (waiting and not asked):
            if interruption.signal is not None and not asked:
                asked = True
                engine.stop(interruption.signal)
            if not asked:
                next_ones = [waiting.popleft() for _ in range(min(engine.room, len(waiting)))]
                engine.begin(list(_begun(next_ones, outcome, shown)))
            for job, ending in engine.ended(SECONDS):
                _end(job, ending, outcome, shown)
            for text in engine.news():
                shown.say(text)
            shown.show(engine.on)
    except KeyboardInterrupt:
        shown.say("Stopping at once.")


def _begun(jobs: Sequence[Job], outcome: Outcome, shown: Board) -> Iterator[Job]:
    """The jobs that can begin; of the others it is said why they cannot."""
    for job in jobs:
        try:
            yield job.begin()
        except UserError as error:
            _end(job, Ending(error.exit_code, str(error)), outcome, shown)


def _end(job: Job, ending: Ending, outcome: Outcome, shown: Board) -> None:
    outcome.endings[job.name] = ending
    shown.end(job, ending)


def _told(outcome: Outcome) -> int:
    """Say what has become of all, compare what is finished, and return the exit code."""
    if outcome.exit_code:
        failed = f", {len(outcome.failed)} failed" if outcome.failed else ""
        print(
            f"Stopped: {len(outcome.finished)} of {len(outcome.jobs)} runs are finished{failed}; "
            "the same command goes on with the others, from their checkpoints.",
            file=sys.stderr,
        )
        return outcome.exit_code
    compare_runs([folder for job in outcome.finished for folder in job.folders])
    if not outcome.failed:
        return 0
    print(f"{len(outcome.failed)} of {len(outcome.jobs)} runs failed:", file=sys.stderr)
    for job in outcome.failed:
        print(f"{job.name}: {outcome.endings[job.name].told}", file=sys.stderr)
        print(f"  {job.folders[0].console_file} has all that it said", file=sys.stderr)
    say("The same command trains what is missing.")
    return FAILED
