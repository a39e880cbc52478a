"""The distributions over actions of several seeds, one row after another's: those of each draw by its generator."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from plastic_rl.sb3.lean.heads import CategoricalHead, GaussianHead, Head
from plastic_rl.sb3.seeds.generators import OwnGenerators
from plastic_rl.sb3.seeds.stacked_policies import StackedPolicies


class StackedCategoricalHead(CategoricalHead):
    """Discrete actions.

    Args:
        generators: of each seed.
    """

    def __init__(self, generators: Sequence[OwnGenerators]) -> None:
        self.generators = generators

    def rings(self, like: Tensor) -> Tensor:
        times = torch.empty_like(like)
        for part, generators in zip(times.chunk(len(self.generators)), self.generators, strict=True):
            part.exponential_(generator=generators.torch)
        return times


class StackedGaussianHead(GaussianHead):
    """Actions that are vectors.

    Args:
        stack: the policies.
        generators: of each seed.
    """

    def __init__(self, stack: StackedPolicies, generators: Sequence[OwnGenerators]) -> None:
        super().__init__(stack.policies[0])
        self.generators, self.deviations_of_seeds = generators, stack.of[stack.policies[0].log_std]
        self.rows = 0  # of each seed

    @property
    def log_std(self) -> Tensor:
        """The logarithms of the standard deviations, a row for each row of outputs."""
        return self.deviations_of_seeds.repeat_interleave(self.rows, 0)

    def draw(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        self.rows = len(outputs) // len(self.generators)
        return super().draw(outputs)

    def noise(self, like: Tensor) -> Tensor:
        noise = torch.empty_like(like)
        for part, generators in zip(noise.chunk(len(self.generators)), self.generators, strict=True):
            part.normal_(generator=generators.torch)
        return noise

    def evaluate(self, outputs: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        self.rows = len(outputs) // len(self.generators)
        return super().evaluate(outputs, actions)

    def write_of_spread(self, of_scale: Tensor, into: dict[Tensor, Tensor]) -> None:
        of_seeds = of_scale.view(len(self.generators), self.rows, -1).sum(1)
        torch.mul(of_seeds, self.deviations_of_seeds.exp(), out=into[self.deviations_of_seeds])


def stacked_head_of(stack: StackedPolicies, generators: Sequence[OwnGenerators]) -> Head:
    """The distribution of the actions of some policies."""
    if hasattr(stack.policies[0], "log_std"):
        return StackedGaussianHead(stack, generators)
    return StackedCategoricalHead(generators)
