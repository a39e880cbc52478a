"""A network for each task: what memory without sharing achieves, at its full price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from agents.adam import Adam

if TYPE_CHECKING:
    from plastic_rl.learners import Learner
    from plastic_rl.streams import Stream


@dataclass
class SingleTask(Adam):
    """Adam on a fresh network for each task, all of which are kept ("STL" of Yoon et al. 2020)."""

    is_parallel: ClassVar[bool] = False

    def build(self, streams: Sequence[Stream], *, device: str) -> Learner:
        from plastic_rl.learners.separate_heads import outputs_of_a_task
        from plastic_rl.learners.single_task import SingleTaskLearner

        (stream,) = streams
        return SingleTaskLearner(self.blueprint(stream, outputs_of_a_task(stream)), stream, device=device)
