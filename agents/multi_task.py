"""Joint training on all tasks: the upper bound beside `single_task`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.adam import Adam

if TYPE_CHECKING:
    from plastic_rl.learners import Learner
    from plastic_rl.streams import Stream


@dataclass
class MultiTask(Adam):
    """Adam on a fresh network at each task, trained on all tasks so far together ("MTL" of Yoon et al. 2020)."""

    def build_one(self, stream: Stream, *, device: str) -> Learner:
        from plastic_rl.learners.multi_task import MultiTaskLearner

        return MultiTaskLearner(self.blueprint(stream, stream.outputs), stream, device=device)
