"""Weight clipping: weights that cannot leave the range in which they began.

Elsayed, Lan, Lyle, Mahmood, "Weight clipping for deep continual and reinforcement learning", RLC 2024 (arXiv
2407.01704).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, LinearMap, Resizing
from plastic_rl.optim.weight_method import WeightMethod


def bound(linear: LinearMap, kappa: float) -> float:
    """κ s with s = 1 / √fan_in, the range in which torch draws a layer's weights and biases."""
    return kappa / math.sqrt(linear.fan_in)


def clip_(weights: list[Tensor], bounds: list[float]) -> None:
    """W ← clamp(W, -b, b) for each weight and its bound b."""
    torch._foreach_clamp_max_(weights, bounds)  # pyright: ignore[reportPrivateImportUsage]
    torch._foreach_clamp_min_(weights, [-each for each in bounds])  # pyright: ignore[reportPrivateImportUsage]


class WeightClipping(WeightMethod):
    """After each step, W ← clamp(W, -κ s, κ s) with s = 1 / √fan_in, and the bias likewise (Elsayed et al. 2024).

    Weights and biases of all layers, the last included. Left alone are parameters that belong to no layer: scales of
    norms, and an exploration noise (the authors' code clips these too, with the bound of the weight before them).

    Args:
        optimizer: what moves the parameters.
        layers: say which bias belongs to which weight; without them their order does.
        kappa: κ; infinite for no clipping. Below 1.74 it cuts off a part of weights that are drawn LeCun-uniformly.

    Raises:
        ValueError: kappa is not positive.
    """

    def __init__(self, optimizer: Optimizer, layers: Sequence[HiddenLayer] = (), *, kappa: float = 1.0) -> None:
        if not kappa > 0:
            raise ValueError(f"kappa must be above 0 (infinite for no clipping), got {kappa}")
        self.kappa = float(kappa)
        super().__init__(optimizer, layers)

    def find(self, layers: Sequence[HiddenLayer]) -> None:
        super().find(layers)
        self.bounds = self._bounds()

    def _bounds(self) -> list[tuple[Tensor, float]]:
        return [(each, bound(linear, self.kappa)) for linear in self.maps for each in linear.parameters]

    follows_resizing = True

    def at_resizing(self, resizing: Resizing) -> None:
        """Sets the bounds of weights that have more inputs now, or fewer."""
        self.bounds = self._bounds()

    def after_step(self) -> None:
        moved = [(each, limit) for each, limit in self.bounds if each.requires_grad]
        if self.kappa < math.inf and moved:
            clip_([each for each, _ in moved], [limit for _, limit in moved])

    def concerns(self, updates: int | None = None) -> Iterator[str]:
        share = self._share_beyond()
        if share > 0:
            yield f"{share:.0%} of the weights are beyond kappa={self.kappa:g} now: the first step cuts them off."

    def _share_beyond(self) -> float:
        total = sum(linear.weight.numel() for linear in self.maps)
        beyond = [(linear.weight.detach().abs() > bound(linear, self.kappa)).sum() for linear in self.maps]
        return float(torch.stack(beyond).sum()) / total if beyond else 0.0
