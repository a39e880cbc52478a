"""L2 regularisation towards the initial weights: a network that stays near where it could learn.

Kumar, Marklund, Van Roy, "Maintaining plasticity in continual learning via regenerative regularization", CoLLAs 2025
(arXiv 2308.11958), Equation 2.
"""

from __future__ import annotations

from torch import Tensor

from plastic_rl.optim.drawn_back import DrawnBack


def pull(weight: Tensor, start: Tensor, strength: float) -> Tensor:
    """2 λ (θ - θ_0), the gradient of λ ‖θ - θ_0‖²."""
    return (weight - start).mul_(2 * strength)


class L2Init(DrawnBack):
    """Adds λ ‖θ - θ_0‖² to the loss, the squared distance to the weights at construction (Kumar et al. 2025, Eq. 2).

    Args:
        optimizer: what moves the parameters; those that train when it is wrapped are drawn back to what they are then,
            as long as they train.
        layers: not looked at.
        strength: λ.

    Raises:
        ValueError: the strength is negative.
    """

    def remembered(self, weight: Tensor) -> Tensor:
        return weight.clone()

    def slope(self, weight: Tensor, start: Tensor) -> Tensor:
        return pull(weight, start, self.strength)
