"""FIRE: at a change, each weight becomes the isometry that is nearest to it.

Han, Park, Oh, Kim, Lee, Kim, "FIRE: Frobenius-isometry reinitialization for balancing the stability-plasticity
tradeoff", ICLR 2026 (arXiv 2602.08040).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, LinearMap, linear_maps
from plastic_rl.optim.occasional import Occasional
from plastic_rl.optim.stacked.seed_by_seed import SeedBySeed
from plastic_rl.validation import whole_number

Matrices = Float[Tensor, "*many outputs inputs"]


def newton_schulz(weights: Matrices, iterations: int) -> Matrices:
    """X ← 3/2 X - 1/2 X Xᵀ X from X = W / ‖W‖_F: singular values grow towards one, singular vectors stay.

    A singular value of less than 1 / 57 of ‖W‖_F is not there after ten iterations; one of zero stays zero.
    """
    size = torch.linalg.matrix_norm(weights, keepdim=True)
    x = torch.where(size > 0, weights / size, weights)
    is_wide = x.shape[-2] < x.shape[-1]
    for _ in range(iterations):
        x = 1.5 * x - 0.5 * ((x @ x.mT) @ x if is_wide else x @ (x.mT @ x))
    return x


def isometric(linear: LinearMap, iterations: int) -> Float[Tensor, "blocks outputs inputs taps"]:
    """A weight with W ← √(outputs / inputs) / k² NS(W), each of the k² positions of a convolution's kernel alone."""
    weights = linear.view(linear.weight)
    outputs, inputs, taps = weights.shape[1:]
    by_position = weights.permute(0, 3, 1, 2).to(torch.promote_types(weights.dtype, torch.float32))
    nearest = newton_schulz(by_position, iterations).mul_((outputs / inputs) ** 0.5 / taps)
    return nearest.permute(0, 2, 3, 1).to(weights.dtype)


class FIRE(Occasional):
    """Orthogonalises the weights of all layers when a task begins, at an interval, or when told (Han et al. 2026).

    Of all weights whose singular values are alike it takes the nearest: what they had learned stays as far as it can,
    and they are as easy to train as at the beginning. Biases, norms and the optimiser's state stay as they are.

    Args:
        optimizer: what moves the parameters.
        layers: say which parameters are weights; without them their shapes do.
        on_change: act when a task begins, but for the first.
        every: updates between two actions; 0 for no interval.
        iterations: of Newton and Schulz.

    Raises:
        ValueError: a number is not a whole number of 0 or more.
    """

    vectorized = SeedBySeed
    follows_resizing = True
    counter = "fire/times"

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Sequence[HiddenLayer] = (),
        *,
        on_change: bool = True,
        every: int = 0,
        iterations: int = 10,
    ) -> None:
        super().__init__(optimizer, on_change=on_change, every=every)
        self.iterations = whole_number("iterations", iterations)
        self.maps = linear_maps(self.trained, layers)

    def act(self) -> None:
        for linear in self.maps:
            if linear.weight.requires_grad:
                linear.view(linear.weight).copy_(isometric(linear, self.iterations))

    def orthogonalize(self) -> None:
        """Orthogonalises all weights at this moment."""
        self.act_now()

    def reattach(self, layers: Sequence[HiddenLayer]) -> None:
        super().reattach(layers)
        self.maps = linear_maps(self.trained, layers)
