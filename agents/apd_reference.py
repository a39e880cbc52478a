"""The released code of additive parameter decomposition, step by step (Yoon et al., ICLR 2020; jaehong31/APD).

λ1, λ2 and β are those of `cifar100_apd_bash.py`. One Adam moves the shared weights, masks and own weights of all tasks;
what is recalled is near what was learnt, not the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from agents.apd import DecomposedAdam
from plastic_rl.choices import Centre
from plastic_rl.settings import Count, NonNegative, OneOf

if TYPE_CHECKING:
    import torch


@dataclass
class APDReference(DecomposedAdam):
    """APD as its released code does it: subgradients through Adam, a hard threshold in tests (Yoon et al. 2020)."""

    weight_decay: NonNegative = 1e-4  # of masks and own weights of the task that learns, and of the shared in the first
    sparsity: NonNegative = 4e-4  # λ1, and the threshold
    drift: NonNegative = 100.0  # λ2, of half the square
    form: Annotated[str, OneOf(("hierarchical", "retroactive"))] = "hierarchical"  # APD(2), APD(1)
    groups: Count = 2  # K: groups that each consolidation adds
    every: Count = 5  # s: tasks from one consolidation to the next
    spread: NonNegative = 1e-2  # β
    centre: Annotated[str, OneOf(tuple(Centre))] = "midrange"  # "mean" is the paper's

    def optimizer(self) -> Callable[[Iterable[torch.Tensor]], torch.optim.Optimizer]:
        """Return Adam without weight decay: it moves biases and heads, which theirs does not decay."""
        import torch

        return partial(torch.optim.Adam, lr=self.learning_rate, betas=(self.beta1, self.beta2), eps=self.epsilon)

    def decomposition(self) -> dict[str, Any]:
        names = ("sparsity", "drift", "form", "groups", "every", "spread", "centre", "weight_decay")
        return {**{name: getattr(self, name) for name in names}, "reference": True}
