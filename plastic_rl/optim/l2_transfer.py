"""L2 transfer: each task is learnt near the weights of the one before.

A baseline of Yoon et al., "Scalable and order-robust continual learning with additive parameter decomposition", ICLR
2020, for which no code is public.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from plastic_rl.optim.anchoring import Anchoring


class L2Transfer(Anchoring):
    """Adds λ / 2 Σ_j (θ_j - θ*_j)² to the loss, where θ* are the weights with which the previous task was left.

    Args:
        optimizer: what moves the parameters.
        layers: not looked at.
        strength: λ.

    Raises:
        ValueError: the strength is negative.
    """

    def consolidate(self, losses: Iterable[Tensor] = ()) -> None:
        """Takes note of the weights at hand, with which a task is over.

        Args:
            losses: not evaluated; all weights matter alike.
        """
        trained = self.anchored
        self.memory["tasks"] += 1
        self.memory["importances"] = [torch.ones((), dtype=each.dtype, device=each.device) for each in trained]
        self.memory["centres"] = [each.detach().clone() for each in trained]
