"""Elastic weight consolidation: weights that mattered to earlier tasks are hard to move.

Kirkpatrick et al., "Overcoming catastrophic forgetting in neural networks", PNAS 2017 (arXiv 1612.00796).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from plastic_rl.optim.anchoring import Anchoring


def fisher_diagonal(losses: Iterable[Tensor], parameters: Sequence[Tensor]) -> list[Tensor]:
    """F_j, the mean over examples of (∂ log p(y | x) / ∂θ_j)² with y drawn from the network: its curvature.

    Args:
        losses: -log p(y | x) of one example each, with a graph.
        parameters: θ; one that a loss does not depend on counts as not moving it.

    Raises:
        ValueError: there is no example.
    """
    sums, count = [torch.zeros_like(each) for each in parameters], 0
    for loss in losses:
        slopes = torch.autograd.grad(loss, parameters, allow_unused=True)
        for total, slope in zip(sums, slopes, strict=True):
            if slope is not None:
                total.addcmul_(slope, slope)
        count += 1
    if not count:
        raise ValueError("the Fisher information needs an example or more, got none")
    return [total / count for total in sums]


class ElasticWeightConsolidation(Anchoring):
    """Adds λ / 2 Σ_i Σ_j F_ij (θ_j - θ*_ij)² over all earlier tasks i to the loss (Kirkpatrick et al. 2017, Eq. 3).

    ::

        optimizer = ElasticWeightConsolidation(torch.optim.Adam(network.parameters()), strength=100.0)
        ...                                  # learn a task
        optimizer.consolidate(losses)        # before the next one

    The sum over tasks is one quadratic: its importance is Σ_i F_i, its centre the mean of the θ*_i weighted by the F_i.
    So memory and time do not grow with the tasks, and nothing is approximated beyond the paper's diagonal.

    Args:
        optimizer: what moves the parameters.
        layers: not looked at.
        strength: λ.

    Raises:
        ValueError: the strength is negative.
    """

    def consolidate(self, losses: Iterable[Tensor]) -> None:
        trained = self.anchored
        moving = [each for each in trained if each.requires_grad]
        found = dict(zip(moving, fisher_diagonal(losses, moving), strict=True))
        fishers = [found[each] if each in found else torch.zeros_like(each) for each in trained]
        if not self.memory["tasks"]:
            self.memory["importances"] = [torch.zeros_like(each) for each in trained]
            self.memory["centres"] = [each.detach().clone() for each in trained]
        self.memory["tasks"] += 1
        anchors = zip(trained, fishers, self.memory["importances"], self.memory["centres"], strict=True)
        for weight, fisher, importance, centre in anchors:
            importance.add_(fisher)
            share = torch.where(importance > 0, fisher / importance, 1.0)
            centre.lerp_(weight.detach(), share)
