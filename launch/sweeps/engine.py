"""The side of a launcher that a sweep sees: jobs go in, and endings come out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from launch.sweeps.plan import Job
from launch.sweeps.work import Ending


class Engine(Protocol):
    """Trains jobs somewhere."""

    @property
    def room(self) -> int:
        """The number of jobs that can be begun now."""
        ...

    @property
    def on(self) -> Sequence[Job]:
        """The jobs that were begun and have not ended."""
        ...

    def begin(self, jobs: Sequence[Job]) -> None:
        """Begin some jobs, as many as there is room for at most."""
        ...

    def ended(self, seconds: float) -> Iterator[tuple[Job, Ending]]:
        """Yield the jobs that have ended since the last call.

        Args:
            seconds: To wait for one at most.
        """
        ...

    def stop(self, number: int) -> None:
        """Ask all jobs to stop, with a checkpoint; asked once more they stop at once.

        Args:
            number: Of the signal that asked for it.
        """
        ...

    def news(self) -> Iterator[str]:
        """Yield what else there is to say since the last call, such as that a job is tried again."""
        ...

    def close(self) -> None:
        """End all that is left."""
        ...
