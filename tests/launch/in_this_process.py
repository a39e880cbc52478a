"""A launcher for tests: no process of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from importlib import import_module

import pytest

from launch.sweeps.plan import Job
from launch.sweeps.work import Ending, Order, train


class InThisProcess:
    """A launcher that trains a job where it is begun, for the time that a process takes to begin."""

    room = 1
    on: Sequence[Job] = ()

    def __init__(self) -> None:
        self.begun, self._ended = list[str](), deque[tuple[Job, Ending]]()

    def begin(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self.begun.append(job.name)
            self._ended.append((job, train(Order.of(job))))

    def ended(self, seconds: float) -> Iterator[tuple[Job, Ending]]:
        while self._ended:
            yield self._ended.popleft()

    def news(self) -> Iterator[str]:
        return iter(())

    def close(self) -> None:
        pass


def leave_out_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have runs on streams leave a file in place of their picture, which takes longer than they do."""
    loop = import_module("plastic_rl.training.train_learner")
    monkeypatch.setattr(loop, "draw_task_curve", lambda metrics, picture, title: picture.write_text("a picture"))
