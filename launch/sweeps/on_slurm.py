"""An array of Slurm jobs as a launcher, by submitit: what runs out of time is put back into the queue, and goes on."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from launch.sweeps.local import usable_cores
from launch.sweeps.plan import Job
from launch.sweeps.surroundings import in_surroundings
from launch.sweeps.words import OnSlurm
from launch.sweeps.work import FAILED, Ending, Order, train
from plastic_rl.errors import UserError
from plastic_rl.extras import needed

MANY = 1_000_000
FOLDER = ".slurm"
"""Below `out`: what submitit writes, the words of Slurm among it."""

SECONDS_TO_SAVE = 120
"""Before its time is over a job is told of it; of short jobs, at half of their time."""

OUT_OF_TIME = signal.SIGUSR2
"""The signal by which it is told; submitit has a handler for it, which puts the job back into the queue."""


class Training:
    """A job as submitit takes it.

    Args:
        order: Of which job.
    """

    def __init__(self, order: Order) -> None:
        self.order = order

    def __call__(self) -> Ending:
        """Train; where time runs out, save and leave the rest to submitit's own handler."""
        ending = train(self.order)
        if ending.exit_code == 128 + OUT_OF_TIME:
            signal.raise_signal(OUT_OF_TIME)
        return ending

    def checkpoint(self) -> Any:
        """Return what is put back into the queue: the same, which goes on from its last checkpoint."""
        return needed("submitit", "launcher=slurm").helpers.DelayedSubmission(Training(self.order))


class SlurmEngine:
    """Jobs of Slurm, submitted as one array.

    Args:
        settings: Of what a job takes.
        out: The folder of all runs.

    Raises:
        UserError: submitit is not installed, or there is no Slurm here.
    """

    def __init__(self, settings: OnSlurm, out: Path) -> None:
        submitit: Any = needed("submitit", "launcher=slurm")
        self._settings, self._refusal = settings, submitit.core.utils.FailedSubmissionError
        self._jobs: dict[Any, Job] = {}
        self._left: int | None = None
        try:
            limit = {f"{settings.cluster}_max_num_timeout": settings.requeues}
            self._executor = submitit.AutoExecutor(out / FOLDER / "%j", cluster=settings.cluster, **limit)
        except RuntimeError as error:
            told = f"{error}; launcher.cluster=local tries the same on this machine"
            raise UserError(f"launcher=slurm: {told}") from error
        self._executor.update_parameters(**parameters(settings))

    @property
    def room(self) -> int:
        # Slurm itself keeps the jobs of an array waiting.
        places = MANY if self._settings.cluster == "slurm" else self._settings.jobs or usable_cores()
        return places - len(self._jobs)

    @property
    def on(self) -> Sequence[Job]:
        return list(self._jobs.values())

    def begin(self, jobs: Sequence[Job]) -> None:
        if not jobs:
            return
        try:
            with in_surroundings(self._settings.cpus), self._executor.batch():
                submitted = [self._executor.submit(Training(Order.of(job))) for job in jobs]
        except self._refusal as error:
            raise UserError(f"Slurm does not take the jobs: {str(error).strip().splitlines()[-1]}") from error
        self._jobs |= dict(zip(submitted, jobs, strict=True))

    def ended(self, seconds: float) -> Iterator[tuple[Job, Ending]]:
        time.sleep(seconds)
        for submitted in list(self._jobs):
            if self._left is not None:
                yield self._jobs.pop(submitted), Ending(128 + self._left, "left to Slurm, where it goes on")
            elif submitted.done():
                yield self._jobs.pop(submitted), _ending(submitted)

    def stop(self, number: int) -> None:
        if number != signal.SIGINT:  # the connection was lost, or the machine goes down: that is no reason for them
            self._left = number
            return
        for submitted in self._jobs:
            submitted.cancel(check=False)

    def news(self) -> Iterator[str]:
        return iter(())

    def close(self) -> None:
        """Leave what is on to Slurm."""


def parameters(settings: OnSlurm) -> dict[str, Any]:
    """Return what submitit is told of each job.

    Args:
        settings: Of what a job takes.
    """
    wanted = {
        "timeout_min": settings.minutes,
        "cpus_per_task": settings.cpus,
        "gpus_per_node": settings.gpus,
        "mem_gb": settings.memory_gb,
        "slurm_job_name": "plastic_rl",
        "slurm_signal_delay_s": min(SECONDS_TO_SAVE, 30 * settings.minutes),
        "slurm_partition": settings.partition,
        "slurm_account": settings.account,
        "slurm_array_parallelism": settings.jobs,
        "slurm_additional_parameters": dict(settings.additional),
    }
    return {name: value for name, value in wanted.items() if value}


def _ending(submitted: Any) -> Ending:
    try:
        return submitted.result()
    except Exception as error:  # submitit raises what was raised there as well as errors of its own
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return Ending(FAILED, f"{' '.join(lines[:2])} ({submitted.paths.stderr} has what Slurm said)")
