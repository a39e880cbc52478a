"""A switch to another task that may be undone at the end of a ``with`` statement."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from plastic_rl.nn.additive.layer import Task

if TYPE_CHECKING:
    from plastic_rl.nn.additive.decomposition import AdditiveDecomposition


class Visit:
    """What :meth:`AdditiveDecomposition.task` returns: leaving it makes the task before the active one again.

    Args:
        decomposition: the tasks.
        before: the task that was active; if it is forgotten during the visit, the visited one stays.
    """

    def __init__(self, decomposition: AdditiveDecomposition, before: Task) -> None:
        self.decomposition, self.before = decomposition, before

    def __enter__(self) -> AdditiveDecomposition:
        return self.decomposition

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.before in self.decomposition.tasks:
            self.decomposition.task(self.before)
