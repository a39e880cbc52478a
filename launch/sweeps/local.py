"""A pool of processes on this machine: one for each job, forked from one that has torch loaded already."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from launch.sweeps.plan import Job
from launch.sweeps.surroundings import in_surroundings
from launch.sweeps.work import FAILED, Ending, Order, train

WARM = ("launch.sweeps.work", "plastic_rl.sb3", "plastic_rl.training")
"""The modules that a job finds loaded."""

TRIES = 2
SECONDS_TO_STOP = 10.0
"""Given to processes that are asked a second time, before they are killed."""


Work = Callable[[Order, Connection], None]


def usable_cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass
class _Worker:
    job: Job
    process: BaseProcess
    answer: Connection
    tries: int
    asked: int | None = None


class Pool:
    """Processes, a job each; one that is killed is tried again once, from its checkpoint.

    Args:
        places: How many there are at the same time.
        threads: Of each.
        work: The life of a process.
        warm: The modules that it finds loaded.
    """

    def __init__(self, places: int, threads: int = 1, *, work: Work | None = None, warm: Sequence[str] = WARM) -> None:
        self._places, self._threads, self._work = places, threads, work or work_alone
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(list(warm))
        self._workers: list[_Worker] = []
        self._news: list[str] = []

    @property
    def room(self) -> int:
        return self._places - len(self._workers)

    @property
    def on(self) -> list[Job]:
        return [worker.job for worker in self._workers]

    def begin(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self._begin(job, tries=1)

    def ended(self, seconds: float) -> Iterator[tuple[Job, Ending]]:
        # The end of the pipe is the end of the process; its sentinel would be that of the one that forks, too.
        ready = wait([worker.answer for worker in self._workers], seconds) if self._workers else []
        for worker in [worker for worker in self._workers if worker.answer in ready]:
            self._workers.remove(worker)
            ending = self._ending(worker)
            if ending is not None:
                yield worker.job, ending

    def stop(self, number: int) -> None:
        for worker in self._workers:
            _stop(worker, number)

    def stop_one(self, job: Job) -> None:
        """Ask one job to stop, with a checkpoint."""
        for worker in self._workers:
            if worker.job is job:
                _stop(worker, signal.SIGTERM)

    def news(self) -> Iterator[str]:
        while self._news:
            yield self._news.pop(0)

    def close(self) -> None:
        if not self._workers:
            return
        self.stop(signal.SIGINT)
        end = time.monotonic() + SECONDS_TO_STOP
        for worker in self._workers:
            worker.process.join(max(0.0, end - time.monotonic()))
            worker.process.kill()
            worker.process.join()
        self._workers.clear()

    def _begin(self, job: Job, tries: int) -> None:
        answer, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(target=self._work, args=(Order.of(job), theirs), name=job.name)
        with in_surroundings(self._threads):
            process.start()
        theirs.close()
        self._workers.append(_Worker(job, process, answer, tries))

    def _ending(self, worker: _Worker) -> Ending | None:
        """The end of a job whose process has ended; None where it is tried again."""
        with worker.answer as answer, suppress(EOFError, OSError):
            return answer.recv()
        worker.process.join()
        code = worker.process.exitcode or 0
        if worker.asked is not None:
            return Ending(128 + worker.asked, "stopped before it was trained any further")
        end = (
            f"its process was killed by {signal.Signals(-code).name}" if code < 0 else f"its process ended with {code}"
        )
        if worker.tries == TRIES:
            return Ending(FAILED, f"{end}, as the one before: is there memory enough for jobs={self._places}?")
        self._news.append(f"{worker.job.name}: {end}; tried again from its last checkpoint")
        self._begin(worker.job, worker.tries + 1)
        return None


def _stop(worker: _Worker, number: int) -> None:
    worker.asked = number
    with suppress(ProcessLookupError):
        os.kill(worker.process.pid or 0, number)


def work_alone(order: Order, answer: Connection) -> None:
    """Train a job in a process of the pool, apart from the terminal.

    Args:
        order: Of which job.
        answer: Is sent the :class:`Ending`.
    """
    os.setsid()  # the terminal's Ctrl-C is for the pool, which passes it on
    threading.Thread(target=_stop_when_alone, daemon=True).start()
    with suppress(OSError):  # which is told of below
        _print_to(order.console)
    answer.send(train(order))


def _print_to(console: Path) -> None:
    """Have what libraries print without Python's knowing go to a file as well."""
    console.parent.mkdir(parents=True, exist_ok=True)
    with console.open("a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def _stop_when_alone() -> None:
    """Stop, with a checkpoint, when the process that began this one is gone."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
