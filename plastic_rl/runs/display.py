"""Two ways of showing how far a run is: a bar that rewrites its line, and plain lines."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from plastic_rl.runs.atomic import write_unsynced

BAR_SECONDS = 0.25
LINE_SECONDS = 10.0
FILE_SECONDS = 1.0
BAR_WIDTH = 24
COLUMNS_WITH_A_BAR = 100
"""A terminal that has fewer shows numbers alone."""


_file: ContextVar[Path | None] = ContextVar("the file that shows how far a run is", default=None)


@dataclass
class Standing:
    """The standing of a run at one moment."""

    total: int
    step: int
    steps_per_second: float
    task: str | None = None
    recent_return: float | None = None
    unit: str = "steps"

    @property
    def percent(self) -> int:
        """Whole percent of the steps done; 100 only when all are."""
        return min(100, 100 * self.step // self.total) if self.total else 100

    @property
    def pace(self) -> str:
        """Steps so far and steps a second."""
        return f"{self.step:,}/{self.total:,} {self.unit}, {self.steps_per_second:,.0f} {self.unit}/s"

    @property
    def left(self) -> str:
        """Time left at the present pace, as hours:minutes:seconds."""
        if self.steps_per_second <= 0:
            return "-:--:--"
        minutes, seconds = divmod(round(max(0, self.total - self.step) / self.steps_per_second), 60)
        return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"

    @property
    def news(self) -> str:
        """The current task and the recent return, as far as they are known."""
        recent = None if self.recent_return is None else f"return {self.recent_return:.1f}"
        return ", ".join(part for part in (self.task, recent) if part)

    def fitted(self, columns: int) -> str:
        """Everything but the percentage, in so many columns: the pace goes first, then the end of the news.

        Args:
            columns: Of the terminal that are free.
        """
        brief = f"{self.left} left" + (f", {self.news}" if self.news else "")
        full = f"{self.pace}, {brief}"
        if len(full) <= columns:
            return full
        return brief if len(brief) <= columns else f"{brief[: max(0, columns - 1)]}…"

    def __str__(self) -> str:
        return f"{self.percent:3d}%, {self.pace}, {self.left} left" + (f", {self.news}" if self.news else "")


@runtime_checkable
class Display(Protocol):
    """Shows snapshots, at most one every `seconds`."""

    seconds: float

    def show(self, snapshot: Standing) -> None:
        """Show how the run stands now."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


def display(snapshot: Standing) -> Display:
    """A bar where standard error is a terminal that can rewrite its lines, nothing where it is closed, else lines.

    Within :func:`shown_in` a file, for another process.
    """
    file = _file.get()
    if file is not None:
        return _File(file)
    if sys.stderr is None:
        return _Nothing()
    rewrites = sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")
    return _Bar(snapshot) if rewrites else _Lines()


@contextmanager
def shown_in(file: Path) -> Iterator[None]:
    """Have runs show how far they are in a file, in place of a bar, for :func:`standing_in` of another process.

    Args:
        file: Rewritten every second; its folder is there when a run begins.
    """
    before = _file.set(file)
    try:
        yield
    finally:
        _file.reset(before)


def standing_in(file: Path) -> Standing | None:
    """The standing that a run has shown in a file; None where it has shown none yet.

    Args:
        file: Of :func:`shown_in`.
    """
    try:
        return Standing(**json.loads(file.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


class _File:
    """A file with the last snapshot alone."""

    seconds = FILE_SECONDS

    def __init__(self, file: Path) -> None:
        self._path = file

    def show(self, snapshot: Standing) -> None:
        write_unsynced(self._path, json.dumps(asdict(snapshot)))

    def close(self) -> None:
        pass


class _Nothing:
    """For a process without standard error, whose `print` would write to standard output instead."""

    seconds = LINE_SECONDS

    def show(self, snapshot: Standing) -> None:
        pass

    def close(self) -> None:
        pass


class _Lines:
    """Plain lines for files, pipes and job logs: no control characters."""

    seconds = LINE_SECONDS

    def show(self, snapshot: Standing) -> None:
        print(snapshot, file=sys.stderr, flush=True)

    def close(self) -> None:
        pass


class _Bar:
    """A bar that rewrites its own line."""

    seconds = BAR_SECONDS

    def __init__(self, snapshot: Standing) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        console = Console(stderr=True, force_terminal=True)
        bar = [BarColumn(bar_width=BAR_WIDTH)] if console.width >= COLUMNS_WITH_A_BAR else []
        self._beside = sum(1 + width for width in (len("100%"), *([BAR_WIDTH] if bar else [])))
        self._bar = Progress(
            TextColumn("{task.percentage:>3.0f}%"),
            *bar,
            TextColumn("{task.fields[rest]}", markup=False),
            console=console,
            auto_refresh=False,
        )
        self._task = self._bar.add_task("", total=snapshot.total, rest="")
        self._bar.start()
        self.show(snapshot)

    def show(self, snapshot: Standing) -> None:
        rest = snapshot.fitted(self._bar.console.width - self._beside)
        self._bar.update(self._task, completed=min(snapshot.step, snapshot.total), refresh=True, rest=rest)

    def close(self) -> None:
        with suppress(OSError):
            self._bar.stop()
