"""A switch that the end of a ``with`` statement undoes, and that stays where there is none."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

Host = TypeVar("Host")


class Visit(Generic[Host]):
    """A switch that has been made already; leaving a ``with`` statement goes back.

    Args:
        host: the object that has switched, which ``with ... as`` gives.
        leave: goes back.
    """

    def __init__(self, host: Host, leave: Callable[[], None]) -> None:
        self.host, self.leave = host, leave

    def __enter__(self) -> Host:
        return self.host

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
