"""Ctrl-C, SIGTERM and a lost connection as a request that a run honours when it is safe."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

NOTICE = b"\nStopping at the next safe point, with a checkpoint; Ctrl-C once more stops at once without one.\n"


OUT_OF_TIME = signal.SIGUSR2
"""A batch system's word that the time of a job is nearly over, where something listens for it (submitit does)."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # SIGHUP: the terminal was closed, or the connection lost


class Interruption:
    """A context in which the first of these signals only raises a flag; a SIGINT after it raises KeyboardInterrupt.

    A signal that the process was told to ignore (`nohup`) stays ignored. SIGUSR2, by which a batch system says that
    time is nearly over, is heard where something has a handler for it. The old handlers are put back at the end.
    Outside the main thread, where Python allows none, it does nothing.

    Example:
        >>> with Interruption() as interruption:
        ...     while not interruption.requested:
        ...         step()
        >>> raise SystemExit(interruption.exit_code)
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._handlers: dict[signal.Signals, Any] = {}

    @property
    def requested(self) -> bool:
        """True if somebody asked the run to stop."""
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """The exit code of the process: 128 and the signal, so 130 after SIGINT and 143 after SIGTERM; else 0."""
        return 0 if self.signal is None else 128 + self.signal

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
            for number in [*heard, OUT_OF_TIME] if callable(signal.getsignal(OUT_OF_TIME)) else heard:
                self._handlers[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self._handlers.clear()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        if not self.requested:
            self.signal = signal.Signals(number)
            if sys.stderr is not None:  # else 2 may be any other file's number by now
                with suppress(OSError):
                    os.write(2, NOTICE)  # print() may be in the middle of a line when the signal comes
