"""Adam with elastic weight consolidation (Kirkpatrick et al., PNAS 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.adam import Adam
from agents.methods import ElasticWeightConsolidation
from plastic_rl.settings import Count

if TYPE_CHECKING:
    from plastic_rl.learners import Learner
    from plastic_rl.streams import Stream


@dataclass
class EWC(ElasticWeightConsolidation, Adam):
    """Adam that is held back where weights mattered to earlier tasks (Kirkpatrick et al. 2017)."""

    fisher_examples: Count = 500  # of a task, at most, on which it is measured how much weights mattered

    def build_one(self, stream: Stream, *, device: str) -> Learner:
        from plastic_rl.learners.anchored import AnchoredLearner

        return AnchoredLearner(
            self.blueprint(stream, stream.outputs), stream, examples=self.fisher_examples, device=device
        )
