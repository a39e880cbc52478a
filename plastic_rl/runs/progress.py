"""The progress of a run: a bar on a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import time
from contextlib import suppress
from types import TracebackType

from plastic_rl.runs.display import Display, Standing, display


class Progress:
    """A context that shows how far a run is, on standard error.

    Args:
        total: Global step at which the run ends.
        start: Global step from which this process goes on; steps a second count only what it did itself.
        unit: What is counted.

    Example:
        >>> with Progress(total=200_000, start=50_000) as progress:
        ...     progress.update(52_048, task="friction 0.31", recent_return=812.4)
    """

    def __init__(self, total: int, start: int = 0, unit: str = "steps") -> None:
        self._start = start
        self._now = Standing(total, start, 0.0, unit=unit)
        self._shown_step = -1

    @property
    def total(self) -> int:
        """Global step at which the run ends."""
        return self._now.total

    def __enter__(self) -> Progress:
        self._began = self._shown_at = time.monotonic()
        self._display: Display = display(self._now)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown_step != self._now.step:
            self._show(time.monotonic())
        self._display.close()

    def update(self, step: int, *, task: str | None = None, recent_return: float | None = None) -> None:
        """Say how far the run is; cheap enough for every step.

        Args:
            step: Global step so far; beyond the end of the run it is shown as the end.
            task: The current task in a few words; None keeps the last one.
            recent_return: Mean return of recent episodes; None keeps the last one.
        """
        self._now.step = min(step, self._now.total)
        self._now.task = task or self._now.task
        self._now.recent_return = self._now.recent_return if recent_return is None else recent_return
        moment = time.monotonic()
        if moment - self._shown_at >= self._display.seconds:
            self._show(moment)

    def _show(self, moment: float) -> None:
        seconds = moment - self._began
        self._now.steps_per_second = (self._now.step - self._start) / seconds if seconds > 0 else 0.0
        self._shown_at, self._shown_step = moment, self._now.step
        with suppress(OSError):  # A reader that went away (`| head`) does not end the run.
            self._display.show(self._now)


class JointProgress(Progress):
    """The progress of several runs side by side, shown as one: steps of all together, and their mean return.

    Args:
        total: Global step at which all are at their ends, that is the sum of theirs.
    """

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self._shares: list[Share] = []

    def __enter__(self) -> JointProgress:
        super().__enter__()
        return self

    def share(self, total: int, start: int, unit: str) -> Share:
        """Let one of the runs in, from the step at which it goes on."""
        share = Share(self, total, start, unit)
        self._shares.append(share)
        self._start += start
        return share

    def note(self, task: str | None) -> None:
        """Say how far all are, one of them having gone on."""
        returns = [share.recent_return for share in self._shares if share.recent_return is not None]
        mean = sum(returns) / len(returns) if returns else None
        self.update(sum(share.step for share in self._shares), task=task, recent_return=mean)


class Share(Progress):
    """The progress of one of several runs, which is not shown by itself.

    Args:
        joint: Shows all.
        total: Global step at which this run ends.
        start: From which it goes on.
        unit: What is counted.
    """

    def __init__(self, joint: JointProgress, total: int, start: int, unit: str) -> None:
        super().__init__(total, start, unit)
        self._joint = joint

    @property
    def step(self) -> int:
        """Global step so far."""
        return self._now.step

    @property
    def recent_return(self) -> float | None:
        """Mean return of recent episodes."""
        return self._now.recent_return

    def __enter__(self) -> Share:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def update(self, step: int, *, task: str | None = None, recent_return: float | None = None) -> None:
        self._now.step = min(step, self._now.total)
        self._now.recent_return = self._now.recent_return if recent_return is None else recent_return
        self._joint.note(task)
