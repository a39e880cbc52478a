"""Spectral regularisation: the largest singular value of every weight stays near one, as it was drawn.

Lewandowski, Bortkiewicz, Kumar, György, Schuurmans, Ostaszewski, Machado, "Learning continually by spectral
regularization", ICLR 2025 (arXiv 2406.06811).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, LinearMap, NormScale, Resizing, norm_scales
from plastic_rl.optim.base import add_gradient
from plastic_rl.optim.weight_method import WeightMethod
from plastic_rl.validation import non_negative, whole_number

Matrices = Float[Tensor, "blocks outputs inputs"]
Directions = Float[Tensor, "blocks inputs"]

# Steps of power iteration before the first update; afterwards one an update keeps up with the weights.
FIRST_ITERATIONS = 20


def power_iteration(weights: Matrices, directions: Directions) -> Directions:
    """One step towards the first right singular vectors, v ← Wᵀ W v / ‖Wᵀ W v‖; v stays where W is zero."""
    heard = weights.mT @ (weights @ directions[..., None])
    size = torch.linalg.vector_norm(heard, dim=1, keepdim=True)
    return torch.where(size > 0, heard / size, directions[..., None])[..., 0]


def pull(weights: Matrices, directions: Directions, k: int) -> Matrices:
    """The gradient 2 k (σ^k - 1) σ^(k-1) u vᵀ of (σ^k - 1)², where W v = σ u for a unit vector v."""
    image = weights @ directions[..., None]
    size = torch.linalg.vector_norm(image, dim=1, keepdim=True).clamp(min=torch.finfo(image.dtype).tiny)
    return (2 * k * (size**k - 1) * size ** (k - 2) * image) @ directions[:, None, :]


def pull_of_vector(vector: Tensor, k: int) -> Tensor:
    """The gradient 2 k ‖b‖^(2k-2) b of ‖b‖^(2k)."""
    return vector * (2 * k * vector.square().sum() ** (k - 1))


class SpectralRegularization(WeightMethod):
    """Adds λ [Σ_W (σ_1(W)^k - 1)² + Σ_b ‖b‖^(2k) + Σ_γ ‖γ - 1‖²] to the loss (Lewandowski et al. 2025).

    W are the weights of all layers, of convolutions as matrices with a row for each output; b their biases and the
    offsets of norms, γ the gains of norms. The largest singular value is that of one step of power iteration at each
    update, from the direction of the update before.

    Args:
        optimizer: what moves the parameters.
        layers: say which parameters are whose; without them norms are left alone.
        strength: λ.
        k: the power.

    Raises:
        ValueError: the strength is negative, or k is not a whole number of 1 or more.
    """

    def __init__(
        self, optimizer: Optimizer, layers: Sequence[HiddenLayer] = (), *, strength: float = 1e-4, k: int = 2
    ) -> None:
        self.strength, self.k = non_negative("strength", strength), whole_number("k", k)
        if k < 1:
            raise ValueError(f"k must be 1 or more, got {k}")
        super().__init__(optimizer, layers)

    @torch.no_grad()
    def find(self, layers: Sequence[HiddenLayer]) -> None:
        known = self.known("directions")
        super().find(layers)
        self.scales = norm_scales(self.trained, layers)
        directions = [known.get(id(each.weight)) for each in self.maps]
        fresh = [
            first_directions(each) if old is None else old for each, old in zip(self.maps, directions, strict=True)
        ]
        self.memory = {"directions": fresh}

    follows_resizing = True

    def at_resizing(self, resizing: Resizing) -> None:
        """Looks for the directions of weights of another shape anew."""
        pairs = zip(self.maps, self.memory["directions"], strict=True)
        self.memory["directions"] = [
            old if resizing.of(each.weight) is None else first_directions(each) for each, old in pairs
        ]

    def after_zero_grad(self) -> None:
        if not self.strength:
            return
        for linear, directions in zip(self.maps, self.memory["directions"], strict=True):
            if linear.weight.requires_grad:
                self._pull_weight(linear, directions)
            if linear.bias is not None and linear.bias.requires_grad:
                add_gradient(linear.bias, self.strength * pull_of_vector(linear.bias, self.k))
        for scale in self.scales:
            self._pull_scale(scale)

    def _pull_weight(self, linear: LinearMap, directions: Directions) -> None:
        matrices = linear.matrices(linear.weight)
        directions.copy_(power_iteration(matrices, directions))
        slope = pull(matrices, directions, self.k).mul_(self.strength)
        add_gradient(linear.weight, linear.as_parameter(slope))

    def _pull_scale(self, scale: NormScale) -> None:
        if scale.gain.requires_grad:
            add_gradient(scale.gain, (scale.gain - 1).mul_(2 * self.strength))
        if scale.offset is not None and scale.offset.requires_grad:
            add_gradient(scale.offset, self.strength * pull_of_vector(scale.offset, self.k))


def first_directions(linear: LinearMap) -> Directions:
    """Unit vectors near the first right singular vectors of a weight, the same for the same weight."""
    matrices = linear.matrices(linear.weight)
    directions = torch.randn(matrices.shape[0], matrices.shape[2], generator=Generator().manual_seed(0)).to(matrices)
    directions /= torch.linalg.vector_norm(directions, dim=1, keepdim=True)
    for _ in range(FIRST_ITERATIONS):
        directions = power_iteration(matrices, directions)
    return directions
