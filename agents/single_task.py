"""A network for each task: what memory without sharing achieves, at its full price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.adam import Adam

if TYPE_CHECKING:
    from plastic_rl.learners import Learner
    from plastic_rl.streams import Stream


@dataclass
class SingleTask(Adam):
    """Adam on a fresh network for each task, all of which are kept ("STL" of Yoon et al. 2020)."""

    def build_one(self, stream: Stream, *, device: str) -> Learner:
        from plastic_rl.learners.separate_heads import outputs_of_a_task
        from plastic_rl.learners.single_task import SingleTaskLearner

        return SingleTaskLearner(self.blueprint(stream, outputs_of_a_task(stream)), stream, device=device)
