"""Adam near the previous task's weights: the simplest baseline of Yoon et al. (ICLR 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.adam import Adam
from agents.methods import L2Transfer as Pull

if TYPE_CHECKING:
    from plastic_rl.learners import Learner
    from plastic_rl.streams import Stream


@dataclass
class L2Transfer(Pull, Adam):
    """Adam that is drawn back to the weights of the task before ("L2T" of Yoon et al. 2020)."""

    def build_one(self, stream: Stream, *, device: str) -> Learner:
        from plastic_rl.learners.anchored import AnchoredLearner

        return AnchoredLearner(self.blueprint(stream, stream.outputs), stream, device=device)
