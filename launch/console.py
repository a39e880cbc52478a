"""The terminal that a command is typed into: it may be closed, go away, or interrupt before anything runs."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

INTERRUPTED = 130
NOTICE = b"\nInterrupted while nothing was trained; the same command begins, or goes on.\n"


def prepare() -> None:
    """Make the process ready for its terminal; meant to come before anything heavy is imported."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            _open_on_nothing(name)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # An exception in the middle of an import may come out as any other; training has its own handler.
        signal.signal(signal.SIGINT, _stop)


def say(text: str) -> None:
    """Print to standard output; a reader that has gone away (`| head`, a closed terminal) does not matter."""
    try:
        print(text, flush=True)
    except OSError:
        _forget_standard_output()


def _open_on_nothing(name: str) -> None:
    # Python leaves a closed stream at None; the next file to be opened would get its number, and what is meant for it.
    # In the order of their numbers, each is now the lowest that is free.
    opened = os.open(os.devnull, os.O_RDWR)
    setattr(sys, name, os.fdopen(opened, "r" if name == "stdin" else "w"))


def _stop(number: int, frame: FrameType | None) -> None:
    with suppress(OSError):
        os.write(2, NOTICE)
    os._exit(INTERRUPTED)


def _forget_standard_output() -> None:
    # What is still in its buffer would fail once more when the interpreter ends.
    nothing = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError):
        os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)
