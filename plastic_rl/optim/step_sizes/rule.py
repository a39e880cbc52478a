"""Rules that learn step sizes: pure in all but the memory that they are given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class RuleMemory:
    """The memory of a rule: tensors that it writes into.

    Args:
        weights: by name, one tensor of each parameter's shape for each parameter.
        units: by name, one tensor of the errors' shape.
    """

    weights: dict[str, list[Tensor]]
    units: dict[str, Tensor]


class Rule(ABC):
    """A rule by which the weights of a prediction change, and the step size of each weight with them.

    All memory begins at zero, step sizes too: kept is the logarithm of what they have become over what they began with.
    """

    per_weight: ClassVar[tuple[str, ...]]
    """The names of what is remembered of each weight."""

    per_unit: ClassVar[tuple[str, ...]] = ()
    """The names of what is remembered of each output."""

    per_episode: ClassVar[tuple[str, ...]] = ()
    """Which of them are over when an episode ends."""

    def begin(self, weights: list[Tensor], errors: Tensor) -> RuleMemory:
        """The memory at first.

        Args:
            weights: the parameters.
            errors: of the outputs, of the shape that they will always have.
        """
        return RuleMemory(
            {name: [torch.zeros_like(each) for each in weights] for name in self.per_weight},
            {name: torch.zeros_like(errors) for name in self.per_unit},
        )

    @abstractmethod
    def changes(
        self, memory: RuleMemory, slopes: list[Tensor], errors: Float[Tensor, " *units"], rates: list[float]
    ) -> list[Tensor]:
        """The changes of the weights after one example, to be added to them; the memory is written into.

        Args:
            memory: of the rule.
            slopes: by how much the prediction grows with each weight: of a linear prediction its inputs.
            errors: δ, by how much each output was too small.
            rates: the step size of each parameter to begin with.
        """

    def end_episode(self, memory: RuleMemory) -> None:
        """Lets traces end with the episode."""
        for name in self.per_episode:
            for each in memory.weights.get(name, []):
                each.zero_()
            if name in memory.units:
                memory.units[name].zero_()
