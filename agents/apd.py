"""Additive parameter decomposition on a stream (Yoon et al., ICLR 2020).

The learning rate is the paper's, 1e-3; the stream's plan lowers it and lets the optimiser start over with each task, as
theirs does. The other values are ours, as shrinkage goes by the optimiser's direction here and theirs by the loss
(docs/additive_parameter_decomposition.md). There is no weight decay: Adam moves a weight that has no other gradient as
fast as any, and it counts as the task's own. `apd_reference` is the released code with its values.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agents.adam import Adam
from agents.decomposition import Decomposed

if TYPE_CHECKING:
    from plastic_rl.learners import Learner
    from plastic_rl.streams import Stream


@dataclass
class DecomposedAdam(Adam, ABC):
    """The recipe of a decomposed network that is trained by Adam."""

    @abstractmethod
    def decomposition(self) -> dict[str, Any]:
        """Return the settings of the decomposition."""

    def build_one(self, stream: Stream, *, device: str) -> Learner:
        from plastic_rl.learners.additive import AdditiveLearner
        from plastic_rl.learners.separate_heads import outputs_of_a_task
        from plastic_rl.nn import AdditiveDecomposition

        settings: dict[str, Any] = {"seed": stream.seed, **self.decomposition()}
        blueprint = self.blueprint(stream, outputs_of_a_task(stream))
        return AdditiveLearner(
            blueprint,
            lambda network, first: AdditiveDecomposition(network, first_task=first, **settings),
            stream,
            device=device,
        )


@dataclass
class APD(Decomposed, DecomposedAdam):
    """Adam on shared weights and a sparse part for each task, which is recalled exactly (Yoon et al. 2020)."""
