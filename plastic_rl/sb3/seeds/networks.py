"""The actors and critics of several policies, as one of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from plastic_rl.sb3.lean.networks import Networks
from plastic_rl.sb3.seeds.generators import OwnGenerators
from plastic_rl.sb3.seeds.heads import stacked_head_of
from plastic_rl.sb3.seeds.perceptrons import Perceptrons
from plastic_rl.sb3.seeds.stacked_policies import StackedPolicies

Refused = dict[int, ValueError]
"""By the place of a seed, torch's error about what its actor puts out."""


class NetworksOfSeeds:
    """The networks of policies that act or learn together.

    Args:
        stack: the policies.
        generators: of each seed.
        rows: that each is given at a time.
    """

    def __init__(self, stack: StackedPolicies, generators: Sequence[OwnGenerators], rows: int) -> None:
        self.each = [Networks(policy, rows, is_exact=True) for policy in stack.policies]
        self.actor = Perceptrons([networks.actor for networks in self.each], stack)
        self.critic = Perceptrons([networks.critic for networks in self.each], stack)
        self.head = stacked_head_of(stack, generators)

    @torch.no_grad()
    def act(self, observations: Tensor) -> tuple[Tensor, Tensor, Tensor, Refused]:
        """Actions, the critics' values (of shape (seeds, copies, 1)), and log-probabilities of each seed.

        Args:
            observations: of shape (seeds, copies, numbers).
        """
        outputs, values = self.actor.outputs(observations), self.critic.outputs(observations)
        actions, log_probs = self.head.draw(outputs.flatten(0, 1))
        log_probs = log_probs.view(values.shape[:2])
        return actions.view(*values.shape[:2], *actions.shape[1:]), values, log_probs, self.refused(outputs, log_probs)

    @torch.no_grad()
    def values(self, observations: Tensor) -> Tensor:
        """The critics' values, of shape (seeds, copies, 1)."""
        return self.critic.outputs(observations)

    def refused(self, outputs: Tensor, log_probs: Tensor) -> Refused:
        """Has torch look at outputs from which no probabilities follow."""
        sums = outputs.flatten(1).sum(1) + log_probs.sum(1)
        refused: Refused = {}
        if not sums.isfinite().all():
            for seed in torch.nonzero(~sums.isfinite())[:, 0].tolist():
                try:
                    self.each[seed].head.refuse(outputs[seed])
                except ValueError as error:
                    refused[seed] = error
        return refused


def as_rows_of_seeds(observations: Sequence[np.ndarray]) -> Tensor:
    """The observations of each seed as networks take them in, of shape (seeds, copies, numbers)."""
    return torch.as_tensor(np.stack(observations), dtype=torch.float32).flatten(2)
