"""Isometry: hidden layers whose weights stay near orthogonal, so that what passes through them keeps its length.

Parseval regularisation, in the loss: Chung, Cherif, Meger, Precup, "Parseval regularization for continual reinforcement
learning", NeurIPS 2024 (arXiv 2412.07224). Decoupled from the loss, as AdamW decouples weight decay, it is AdamO of
Rosseau, Müller, Nowé, "Preserving plasticity in continual learning via dynamical isometry", ICML 2026 (2606.09762).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, LinearMap, hidden_maps
from plastic_rl.optim.base import add_gradient
from plastic_rl.optim.unit_replacer import NothingToReplaceError
from plastic_rl.optim.weight_method import WeightMethod
from plastic_rl.validation import non_negative, whole_number

Matrices = Float[Tensor, "blocks outputs inputs"]


def deviation(weights: Matrices, scale: float) -> Float[Tensor, ""]:
    """Σ ‖W Wᵀ - s I‖²_F over the blocks; where W is taller than wide, ‖Wᵀ W - s I‖²_F, less by a constant."""
    gram = weights @ weights.mT if weights.shape[1] <= weights.shape[2] else weights.mT @ weights
    return (gram - scale * torch.eye(gram.shape[1]).to(gram)).square().sum()


def pull(weights: Matrices, scale: float) -> Matrices:
    """The gradient 4 (W Wᵀ - s I) W of :func:`deviation`, by the smaller of the two products."""
    if weights.shape[1] <= weights.shape[2]:
        product = torch.baddbmm(weights, weights @ weights.mT, weights, beta=-scale)
    else:
        product = torch.baddbmm(weights, weights, weights.mT @ weights, beta=-scale)
    return product.mul_(4)


class Isometry(WeightMethod):
    """Draws the weights W of hidden layers to W Wᵀ = s I: by a term of the loss, or by a step of its own.

    In the loss (Parseval) it is λ (w / outputs)² ‖W Wᵀ - s I‖²_F for each layer, with w the ``reference_width``.
    Decoupled (AdamO), W ← W - α λ ∇‖W Wᵀ - s I‖²_F beside each step, both from the weights before it, with α the
    learning rate: moments then know the loss alone, and the pull is not divided by them.

    Convolutions are matrices with a row for each output; gates and groups count each alone. What only makes outputs is
    left alone, as are biases and norms.

    Args:
        optimizer: what moves the parameters.
        layers: the hidden layers, which say what is hidden.
        strength: λ.
        scale: s, the square of the singular values that are aimed at: 2 suits ReLU, 1 is isometry proper.
        decoupled: AdamO instead of Parseval.
        reference_width: the width for which λ is given; 0 where it is the same for all widths.

    Raises:
        ValueError: there are no layers, or a setting is out of its range.
    """

    follows_resizing = True

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Sequence[HiddenLayer] = (),
        *,
        strength: float = 1e-3,
        scale: float = 2.0,
        decoupled: bool = False,
        reference_width: int = 64,
    ) -> None:
        self.strength, self.scale = non_negative("strength", strength), non_negative("scale", scale)
        self.decoupled, self.reference_width = decoupled, whole_number("reference_width", reference_width)
        self._steps: list[tuple[Tensor, Tensor]] = []
        super().__init__(optimizer, layers)

    def find(self, layers: Sequence[HiddenLayer]) -> None:
        if not layers:
            raise NothingToReplaceError(
                "no hidden layers were given; find them with plastic_rl.layers.hidden_layers(network, example)"
            )
        self.maps = hidden_maps(self.trained, layers)

    def after_zero_grad(self) -> None:
        if self.strength and not self.decoupled:
            for linear in self._live():
                add_gradient(linear.weight, self._pull(linear))

    def before_step(self) -> None:
        """Takes the pull from the weights before the step, where it is decoupled."""
        if self.strength and self.decoupled:
            self._steps = [(linear.weight, self._pull(linear)) for linear in self._live()]

    def after_step(self) -> None:
        rates = self._rates()
        for weight, slope in self._steps:
            weight.sub_(slope * rates[id(weight)])
        self._steps = []

    def _live(self) -> list[LinearMap]:
        return [linear for linear in self.maps if linear.weight.requires_grad]

    def _pull(self, linear: LinearMap) -> Tensor:
        matrices = linear.matrices(linear.weight)
        return linear.as_parameter(pull(matrices, self.scale).mul_(self._strength_at(matrices.shape[1])))

    def _strength_at(self, width: int) -> float:
        return self.strength * ((self.reference_width / width) ** 2 if self.reference_width else 1.0)

    def _rates(self) -> dict[int, Any]:
        """The learning rate of each parameter, by its identity."""
        return {id(each): group["lr"] for group in self.param_groups for each in group["params"]}

    def concerns(self, updates: int | None = None) -> Iterator[str]:
        # Near W Wᵀ = s I a step multiplies what is left of the deviation by 1 - 8 α λ s, which must not be below -1.
        rates = self._rates()
        widths = {id(each.weight): each.matrices(each.weight).shape[1] for each in self._live()}
        steepest = max((rates[weight] * self._strength_at(width) for weight, width in widths.items()), default=0.0)
        if self.decoupled and 8 * float(steepest) * self.scale > 2:
            yield (
                f"strength={self.strength:g} with reference_width={self.reference_width} is too much for these widths "
                "and learning rates: each step overshoots, and the weights diverge."
            )

    @torch.no_grad()
    def metrics(self) -> dict[str, int | float]:
        """The deviation of all hidden weights, without any factor."""
        apart = [deviation(linear.matrices(linear.weight), self.scale) for linear in self.maps]
        return {**super().metrics(), "isometry/deviation": float(sum(apart))}
