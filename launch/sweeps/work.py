"""The work on one job in a process that has no terminal of its own, whoever started it."""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from launch.messages import told_of
from launch.request import check_request
from launch.seeds import run_seeds
from launch.settings import composed, register
from launch.sweeps.plan import Job
from plastic_rl.errors import UserError
from plastic_rl.runs import shown_in

INTERRUPTED = 128 + signal.SIGINT
FAILED = 1


@dataclass(frozen=True)
class Order:
    """The order to train a job, as it goes to another process.

    Args:
        words: The command that asks for it alone.
        directory: Where the command is given: relative paths begin there.
        console: Takes what it prints.
        standing: Takes how far it is.
    """

    words: tuple[str, ...]
    directory: Path
    console: Path
    standing: Path

    @classmethod
    def of(cls, job: Job) -> Order:
        """The order to train a job; what it prints, and how far it is, is in the folder of its first run."""
        first = job.folders[0]
        return cls(job.words, Path.cwd(), first.console_file.resolve(), first.standing_file.resolve())


@dataclass(frozen=True)
class Ending:
    """The end of a job.

    Args:
        exit_code: As of the command: 0 for what is trained, above 128 for what was asked to stop.
        told: The reason in one or two lines, where it is not trained.
    """

    exit_code: int
    told: str = ""

    @property
    def is_stopped(self) -> bool:
        """True if somebody asked it to stop."""
        return self.exit_code > 128


def train(order: Order) -> Ending:
    """Train a job in this process, to its end or for as long as it goes.

    Args:
        order: Of which job.

    Returns:
        How it ended, errors included.
    """
    try:
        os.chdir(order.directory)
        order.console.parent.mkdir(parents=True, exist_ok=True)
        with order.console.open("a", buffering=1) as console, _printing_to(console), shown_in(order.standing):
            return _train(order)
    except KeyboardInterrupt:
        return Ending(INTERRUPTED, "Stopped at once.")
    except OSError as error:
        return _ending(error)


def _train(order: Order) -> Ending:
    print(f"--- {datetime.now().astimezone():%Y-%m-%d %H:%M:%S}, process {os.getpid()}")
    sys.orig_argv = [sys.executable, "train.py", *order.words]  # what run.json says of the command
    try:
        register()
        check_request(order.words)
        run_seeds(composed(order.words))
    except Exception as error:
        if not isinstance(error, UserError):
            traceback.print_exc()
        ending = _ending(error)
        print(ending.told, file=sys.stderr)
        return ending
    return Ending(0)


def _ending(error: Exception) -> Ending:
    told, exit_code = told_of(error)
    return Ending(exit_code, told)


@contextmanager
def _printing_to(console: IO[str]) -> Iterator[None]:
    """Have all that is printed, and what the library says, go to a file."""
    library, handler = logging.getLogger("plastic_rl"), logging.StreamHandler(console)
    library.addHandler(handler)
    library.setLevel(logging.INFO)
    try:
        with redirect_stdout(console), redirect_stderr(console):
            yield
    finally:
        library.removeHandler(handler)
