"""The weights of several policies in one tensor for each parameter, while they act or learn together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class StackedPolicies:
    """Policies, alike in all but their weights, whose parameters are parts of `weights` until they are let go.

    Each parameter stays the object that it is, so that optimisers and methods follow; what is written to it is written
    to the stack. Let go, it has the storage of before again, with what has become of it: a saved model holds no other
    seed's weights.

    Args:
        policies: one for each seed.
    """

    def __init__(self, policies: Sequence[Any]) -> None:
        self.policies = list(policies)
        self.parameters = [list(policy.parameters()) for policy in policies]
        self.weights = [torch.stack([each.detach() for each in parts]) for parts in zip(*self.parameters, strict=True)]
        # By the first policy's parameter, and by what the others have in its place.
        self.of = {each: whole for parts in self.parameters for each, whole in zip(parts, self.weights, strict=True)}
        self.storage = [[each.data for each in parts] for parts in self.parameters]
        for seed, parts in enumerate(self.parameters):
            for parameter, part in zip(parts, self.parts(self.weights, seed), strict=True):
                parameter.data = part

    @staticmethod
    def parts(wholes: Sequence[Tensor], seed: int) -> list[Tensor]:
        """The parts of one seed of some tensors that have an axis of seeds."""
        return [whole[seed] for whole in wholes]

    def let_go(self, seed: int) -> None:
        """Gives the parameters of one seed their storage back; does nothing the second time.

        Raises:
            RuntimeError: somebody has given the policy other weights, of which the stack knows nothing.
        """
        if self.storage[seed] and not self._is_followed(seed):
            raise RuntimeError("Somebody gave a policy other weights while it was acting or learning with others")
        for parameter, storage in zip(self.parameters[seed], self.storage[seed], strict=False):
            parameter.data = storage.copy_(parameter.data)
        self.storage[seed] = []

    def _is_followed(self, seed: int) -> bool:
        parts, parameters = self.parts(self.weights, seed), self.policies[seed].parameters()
        known = zip(parameters, self.parameters[seed], parts, strict=True)
        return all(one is other and one.data_ptr() == part.data_ptr() for one, other, part in known)

    def let_all_go(self) -> None:
        """Gives all parameters their storage back."""
        for seed in range(len(self.policies)):
            self.let_go(seed)
