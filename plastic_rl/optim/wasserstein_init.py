"""Regularisation towards the distribution of the initial weights: a weight may change places with another for nothing.

Lewandowski, Tanaka, Schuurmans, Machado, "Directions of curvature as an explanation for loss of plasticity", 2023
(arXiv 2312.00246).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.optim.drawn_back import DrawnBack
from plastic_rl.optim.ranks import ascending


def distance(weight: Tensor, start: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """‖sort(θ) - sort(θ_0)‖²: n times the squared 2-Wasserstein distance of the two empirical distributions.

    Args:
        weight: θ, of any shape.
        start: the entries of θ_0, sorted.
    """
    return (weight.flatten().sort().values - start).square().sum()


def pull(weight: Tensor, start: Float[Tensor, " n"], strength: float) -> Tensor:
    """The gradient of λ :func:`distance`: each entry is drawn to the initial one of the same rank."""
    places = ascending(weight.detach().flatten())  # ties go by their place, on any device
    entries = weight.flatten()[places]
    return torch.empty_like(entries).scatter_(0, places, (entries - start).mul_(2 * strength)).view_as(weight)


class WassersteinInit(DrawnBack):
    """Adds λ Σ ‖sort(θ) - sort(θ_0)‖² over all parameters to the loss, each with itself at construction.

    Weaker than :class:`plastic_rl.optim.L2Init`: no weight has to stay near its own first value, only the distribution
    must stay what it was. For a parameter of one entry the two are the same.

    Args:
        optimizer: what moves the parameters; of those that train when it is wrapped the distribution is kept.
        layers: not looked at.
        strength: λ.

    Raises:
        ValueError: the strength is negative.
    """

    follows_resizing = False  # what is remembered is sorted: whose it was is not known

    def remembered(self, weight: Tensor) -> Float[Tensor, " n"]:
        return weight.flatten().sort().values

    def slope(self, weight: Tensor, start: Tensor) -> Tensor:
        return pull(weight, start, self.strength)
