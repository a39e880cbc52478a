"""Additive parameter decomposition on a stream (Yoon et al., ICLR 2020).

The learning rate is the paper's, 1e-3; the stream's plan lowers it and lets the optimiser start over with each task, as
theirs does. The other values are ours, as shrinkage goes by the optimiser's direction here and theirs by the loss
(docs/additive_parameter_decomposition.md). There is no weight decay: Adam moves a weight that has no other gradient as
fast as any, and it counts as the task's own. `apd_reference` is the released code with its values.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from agents.adam import Adam
from launch.quantities import Count, NonNegative, OneOf, Range

if TYPE_CHECKING:
    from plastic_rl.streams import Learner, Stream


CENTRES = ("midrange", "mean")


@dataclass
class DecomposedAgent(Adam, ABC):
    """The settings of groups of tasks, and how a decomposed network is built."""

    is_parallel: ClassVar[bool] = False

    groups: Count = 2  # K: groups that each consolidation adds
    every: Count = 5  # s: tasks from one consolidation to the next

    @abstractmethod
    def decomposition(self, seed: int) -> dict[str, Any]:
        """Return the settings of the decomposition, those of groups aside.

        Args:
            seed: Of what it draws.
        """

    def build(self, streams: Sequence[Stream], *, device: str) -> Learner:
        from plastic_rl.nn import AdditiveDecomposition
        from plastic_rl.streams.additive import AdditiveLearner
        from plastic_rl.streams.own_outputs import outputs_of_a_task

        (stream,) = streams
        settings: dict[str, Any] = {"groups": self.groups, "every": self.every, **self.decomposition(stream.seed)}
        blueprint = self.blueprint(stream, outputs_of_a_task(stream))
        return AdditiveLearner(
            blueprint,
            lambda network, first: AdditiveDecomposition(network, first_task=first, **settings),
            stream,
            device=device,
        )


@dataclass
class APD(DecomposedAgent):
    """Adam on shared weights and a sparse part for each task, which is recalled exactly (Yoon et al. 2020)."""

    sparsity: NonNegative = 0.2  # λ': a task leaves the shared weights where Adam's direction is larger than this
    drift: NonNegative = 1.0  # the price at which old tasks let shared weights move; inf freezes what they read
    form: Annotated[str, OneOf(("hierarchical", "retroactive", "fixed"))] = "hierarchical"  # APD(2), APD(1), APD-Fixed
    tolerance: NonNegative = 0.0  # by how much a weight of an old task may move in all its life
    initial_mask: Annotated[float, Range(0, 1, low_included=False)] = 0.5  # of a new task; 1 switches masks off
    spread: NonNegative = 0.0  # β: within it members of a group share a weight; 0 merges without loss
    centre: Annotated[str, OneOf(CENTRES)] = "midrange"  # of a group; with a spread of 0 both are the same

    def decomposition(self, seed: int) -> dict[str, Any]:
        own = ("sparsity", "drift", "form", "tolerance", "initial_mask", "spread", "centre")
        return {name: getattr(self, name) for name in own}
