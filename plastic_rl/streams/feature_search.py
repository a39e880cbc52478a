"""Feature search: which features to have of Gaussian inputs, to imitate a network of threshold units.

GEOFF ("generic online feature finding"), as in E. Meyer's public code (`ejmejm/phd_research`, `NonlinearGEOFFTask`): 20
inputs, weights of +1 and -1, thresholds of zero, no biases. Here targets are standardised, so that an error of 1 is
that of the mean. After the feature search of Mahmood & Sutton, "Representation search through generate and test"
(AAAI workshop, 2013), whose inputs are bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from plastic_rl.streams.drawn import DrawnRegression
from plastic_rl.streams.draws import signs, source
from plastic_rl.streams.stream import Plan
from plastic_rl.streams.task import Task


def threshold_covariance(incoming: Float[Tensor, "units inputs"]) -> Float[Tensor, "units units"]:
    """The covariance of units 1[w·x > 0] under standard normal inputs, arcsin(ρ) / 2π (Sheppard 1899).

    Args:
        incoming: weights w; ρ is the cosine of the angle between those of two units.
    """
    directions = incoming.double() / incoming.double().norm(dim=1, keepdim=True)
    return (directions @ directions.T).clamp(-1, 1).arcsin() / (2 * math.pi)


@dataclass(frozen=True, eq=False)
class StandardizedThresholdNetwork:
    """The sum, with signs, of threshold units of standard normal inputs, brought to mean 0 and variance 1.

    Args:
        incoming: of +1 and -1.
        outgoing: of +1 and -1.
    """

    incoming: Float[Tensor, "units inputs"]
    outgoing: Float[Tensor, " units"]

    @cached_property
    def mean(self) -> float:
        """The expectation of the sum: each unit is 1 half of the time."""
        return float(self.outgoing.sum()) / 2

    @cached_property
    def variance(self) -> float:
        """The variance of the sum, exactly."""
        weights = self.outgoing.double()
        return float(weights @ threshold_covariance(self.incoming) @ weights)

    def __call__(self, inputs: Float[Tensor, "n inputs"]) -> Float[Tensor, "n 1"]:
        """The targets of some inputs."""
        units = (inputs @ self.incoming.T > 0).float()
        return ((units @ self.outgoing - self.mean) / math.sqrt(self.variance))[:, None]


def draw_standardized_network(inputs: int, units: int, draws: Generator) -> StandardizedThresholdNetwork:
    """A network with random signs for weights; one whose units cancel, so that its sum never varies, is drawn again."""
    while True:
        network = StandardizedThresholdNetwork(signs((units, inputs), draws), signs((units,), draws))
        if network.variance > 1e-6:  # else rounding of a variance of 0
            return network


class FeatureSearch(DrawnRegression):
    """Regression on Gaussian inputs; a task is a stretch of examples with one network to be imitated.

    Args:
        plan: how it is gone through; one example at a time in the order in which they come.
        seed: of the networks to be imitated, and of all inputs.
        inputs: of one example, each standard normal.
        target_units: threshold units of a network to be imitated.
        examples: of a task.
        changes: imitate another network, drawn afresh, in each task; else that of the first for ever.
        device: where examples are put.

    Raises:
        ValueError: there is no input, unit or example.
    """

    def __init__(
        self,
        plan: Plan,
        seed: int,
        *,
        inputs: int = 20,
        target_units: int = 20,
        examples: int = 10_000,
        changes: bool = False,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(plan, seed, width=inputs, count=examples, device=device)
        if min(inputs, target_units, examples) < 1:
            counts = f"inputs={inputs}, target_units={target_units}, examples={examples}"
            raise ValueError(f"there must be at least one of each, got {counts}")
        self.inputs, self.target_units, self.changes = inputs, target_units, changes

    def target(self, index: int) -> StandardizedThresholdNetwork:
        """The network that is imitated in a task."""
        draws = source(self.seed, "target", self._identity(index))
        return draw_standardized_network(self.inputs, self.target_units, draws)

    def task(self, index: int) -> Task:
        inputs = torch.randn(self.count, self.inputs, generator=source(self.seed, "inputs", index))
        return self.drawn(index, inputs, self.target(index)(inputs), identity=self._identity(index))

    def _identity(self, index: int) -> int:
        return index if self.changes else 0
