"""PPO's losses of a minibatch: their gradients, and their values for the log (Schulman et al. 2017, Eq. 7 and 9)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from plastic_rl.sb3.lean.minibatches import Minibatch

_MEAN = 1


class Surrogate:
    """The clipped surrogate objective of a minibatch, to be maximised; or of several, a row for each.

    Args:
        batch: the minibatch.
        log_probs: of its actions, by the policy as it is.
        clip_range: ε.
        normalizes: standardise the advantages first.
    """

    def __init__(self, batch: Minibatch, log_probs: Tensor, clip_range: float, *, normalizes: bool) -> None:
        advantages = batch.advantages
        if normalizes and advantages.shape[-1] > 1:
            mean, deviation = advantages.mean(-1, keepdim=True), advantages.std(-1, keepdim=True)
            advantages = (advantages - mean) / (deviation + 1e-8)
        self.log_ratio = log_probs - batch.old_log_probs
        self.ratio = torch.exp(self.log_ratio)
        self.advantages, self.unclipped = advantages, advantages * self.ratio
        self.clipped = advantages * torch.clamp(self.ratio, 1 - clip_range, 1 + clip_range)

    @property
    def divergence(self) -> Tensor:
        """The estimate of the KL divergence from the policy that acted, (r - 1) - log r."""
        return ((self.ratio - 1) - self.log_ratio).mean(-1)

    def gradient(self) -> Tensor:
        """The gradient of the loss by each log-probability."""
        each = self.advantages * float(np.float32(-1) / np.float32(self.ratio.shape[-1]))
        return each.masked_fill_(self.unclipped > self.clipped, 0).mul_(self.ratio)

    def terms(self) -> Tensor:
        """The numbers that the objective is the mean of."""
        return torch.min(self.unclipped, self.clipped)


def value_gradient(predicted: Tensor, returns: Tensor, coefficient: Tensor) -> Tensor:
    """The gradient of the mean squared error, times a coefficient, by each prediction."""
    return torch.ops.aten.mse_loss_backward(coefficient, predicted, returns, _MEAN)


def row_means(rows: Sequence[Tensor]) -> list[float]:
    """The mean of each of some vectors."""
    if len({row.shape for row in rows}) == 1:
        return torch.stack(list(rows)).mean(1).tolist()
    return [row.mean().item() for row in rows]


def mean(values: Sequence[float]) -> float:
    """The mean of single-precision numbers, in double precision."""
    return float(np.mean(values))
