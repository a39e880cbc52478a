"""The standing of several runs: a line each and one for all on a terminal, else a line whenever one ends."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from launch.console import say
from launch.sweeps.plan import Job
from launch.sweeps.work import Ending
from plastic_rl.runs import Standing, standing_in

LINE_SECONDS = 60.0
"""Between two lines on all runs where there is no terminal."""

BAR_SECONDS = 1.0
"""Between two looks at the files that say how far runs are."""

BAR_WIDTH = 20


class Board(Protocol):
    """Shows how far jobs are."""

    def show(self, on: Sequence[Job]) -> None:
        """Show how far those are that are trained now, and all together."""
        ...

    def end(self, job: Job, ending: Ending) -> None:
        """Say that one has ended."""
        ...

    def say(self, text: str) -> None:
        """Say something else."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


def board(jobs: Sequence[Job]) -> Board:
    """Return the bars of a terminal, or plain lines where standard output is none.

    Args:
        jobs: All that there are.
    """
    return _Bars(jobs) if sys.stdout.isatty() else _Lines(jobs)


class _Count:
    """The standing of all jobs together.

    Args:
        jobs: All that there are.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs, self._ended = len(jobs), 0
        self._began = time.monotonic()
        self._at_first: float | None = None

    def line(self, job: Job, ending: Ending) -> str:
        """The words on one that has ended."""
        self._ended += 1
        place = f"[{self._ended:>{len(str(self._jobs))}}/{self._jobs}] {job.name}"
        return f"{place}: {ending.told or _last_words(job)}"

    def share(self, on: Sequence[Standing | None]) -> float:
        """The share of all work that is done, each job having the same."""
        done = sum(each.step / each.total for each in on if each is not None and each.total)
        return (self._ended + done) / self._jobs

    def all(self, on: Sequence[Standing | None]) -> str:
        """The words on all."""
        share = self.share(on)
        # What was finished before this command took none of its time.
        self._at_first = share if self._at_first is None else self._at_first
        return f"{self._ended} of {self._jobs} runs ended, {self._left(share, share - self._at_first)} left"

    def _left(self, share: float, here: float) -> str:
        if here <= 0:
            return "-:--:--"
        minutes, seconds = divmod(round((time.monotonic() - self._began) * (1 - share) / here), 60)
        return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"


def _last_words(job: Job) -> str:
    standing = standing_in(job.folders[0].standing_file)
    if standing is None:
        return "finished"
    news = f", {standing.news}" if standing.news else ""
    return f"finished, {standing.step:,} {standing.unit}{news}"


def _standings(on: Sequence[Job]) -> list[Standing | None]:
    return [standing_in(job.folders[0].standing_file) for job in on]


class _Lines:
    """Plain lines for files, pipes and job logs."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._count = _Count(jobs)
        self._said: float | None = None

    def show(self, on: Sequence[Job]) -> None:
        now = time.monotonic()
        if self._said is None or now - self._said >= LINE_SECONDS:
            text = self._count.all(_standings(on))
            if self._said is not None:
                say(text)
            self._said = now

    def end(self, job: Job, ending: Ending) -> None:
        say(self._count.line(job, ending))

    def say(self, text: str) -> None:
        say(text)

    def close(self) -> None:
        pass


class _Bars:
    """A bar for each job that is on, beneath the lines of those that have ended, and one for all."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._count = _Count(jobs)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=BAR_WIDTH),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[rest]}", markup=False),
            console=Console(),
            refresh_per_second=4,
        )
        self._all = self._bars.add_task("all", total=1.0, rest="")
        self._shown: dict[str, TaskID] = {}
        self._looked = -BAR_SECONDS
        self._bars.start()

    def show(self, on: Sequence[Job]) -> None:
        if time.monotonic() - self._looked < BAR_SECONDS:
            return
        self._looked = time.monotonic()
        standings = _standings(on)
        for job, standing in zip(on, standings, strict=True):
            if job.name not in self._shown:
                self._shown[job.name] = self._bars.add_task(job.name, total=None, rest="begins")
            if standing is not None:
                rest = standing.fitted(max(20, self._bars.console.width - len(job.name) - BAR_WIDTH - 8))
                bar = self._shown[job.name]
                self._bars.update(bar, completed=standing.step, total=standing.total, rest=rest)
        self._bars.update(self._all, completed=self._count.share(standings), rest=self._count.all(standings))

    def end(self, job: Job, ending: Ending) -> None:
        if job.name in self._shown:
            self._bars.remove_task(self._shown.pop(job.name))
        self.say(self._count.line(job, ending))

    def say(self, text: str) -> None:
        self._bars.console.print(escape(text), highlight=False, soft_wrap=True)

    def close(self) -> None:
        self._bars.stop()
