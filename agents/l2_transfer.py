"""Adam near the previous task's weights: the simplest baseline of Yoon et al. (ICLR 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from agents.adam import Adam
from plastic_rl.settings import NonNegative

if TYPE_CHECKING:
    from plastic_rl.learners import Learner
    from plastic_rl.optim import Plasticity
    from plastic_rl.streams import Stream


@dataclass
class L2Transfer(Adam):
    """Adam that is drawn back to the weights of the task before ("L2T" of Yoon et al. 2020)."""

    is_parallel: ClassVar[bool] = False

    strength: NonNegative = 0.01  # λ

    def plasticity(self) -> Plasticity:
        """Return the pull to the previous task's weights, which draws nothing."""
        from plastic_rl.optim.l2_transfer import L2Transfer as Pull

        return partial(Pull, strength=self.strength)

    def build(self, streams: Sequence[Stream], *, device: str) -> Learner:
        from plastic_rl.learners.anchored import AnchoredLearner

        (stream,) = streams
        return AnchoredLearner(self.blueprint(stream, stream.outputs), stream, device=device)
