"""Adam with elastic weight consolidation (Kirkpatrick et al., PNAS 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from agents.adam import Adam
from plastic_rl.settings import Count, NonNegative

if TYPE_CHECKING:
    from plastic_rl.learners import Learner
    from plastic_rl.optim import Plasticity
    from plastic_rl.streams import Stream


@dataclass
class EWC(Adam):
    """Adam that is held back where weights mattered to earlier tasks (Kirkpatrick et al. 2017)."""

    is_parallel: ClassVar[bool] = False

    strength: NonNegative = 1000.0  # λ
    fisher_examples: Count = 500  # of a task, at most, on which it is measured how much weights mattered

    def plasticity(self) -> Plasticity:
        """Return elastic weight consolidation, which draws nothing."""
        from plastic_rl.optim.ewc import ElasticWeightConsolidation

        return partial(ElasticWeightConsolidation, strength=self.strength)

    def build(self, streams: Sequence[Stream], *, device: str) -> Learner:
        from plastic_rl.learners.anchored import AnchoredLearner

        (stream,) = streams
        return AnchoredLearner(
            self.blueprint(stream, stream.outputs), stream, examples=self.fisher_examples, device=device
        )
