"""The state of a layer while a task learns: prices, and room for the step. Made anew when a task begins to learn."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.choices import Form
from plastic_rl.nn.additive.algebra import (
    compose,
    per_row,
    prices,
    shrink_,
    shrink_by_price_,
    shrink_quadratic_,
    stepped_mask,
)
from plastic_rl.nn.additive.settings import DecompositionSettings
from plastic_rl.nn.additive.sparse_values import SparseValues

Weight = Float[Tensor, "rows *columns"]
Mask = Float[Tensor, " rows"]


class Learning:
    """The retroactive update in closed form: all old tasks together are one price per weight.

    With frozen masks the best τ_i for given σ is what θ_i lacks (Equation 2 with exact recall), so that no old task
    needs a gradient, optimiser state or time; a step costs the same after a hundred tasks as after one.

    Args:
        shared: σ.
        mask: M of the task that learns.
        others: masks and own weights of all other tasks.
        settings: the hyper-parameters.
    """

    def __init__(
        self, shared: Weight, mask: Mask, others: Sequence[tuple[Mask, SparseValues]], settings: DecompositionSettings
    ) -> None:
        self.settings, self.is_alone = settings, not others
        self.price, self.is_free = prices(total_load(shared, others), mask, settings.sparsity, settings.drift)
        self.is_idle = self.is_alone or settings.sparsity == 0 or not bool(self.price.any())
        self.has_one_price = bool((self.price == settings.sparsity).all())
        self.moves_mask = not self.is_idle and bool((mask < 1).any())
        self.anchor = compose(shared, mask)
        self.before = torch.empty_like(shared) if self.moves_mask else None
        self.scratch = shared.new_empty((0 if self.is_idle else 2, *shared.shape))

    def before_step(self, weight: Weight) -> None:
        """Notes the weights before the wrapped optimiser moves them."""
        if self.before is not None:
            self.before.copy_(weight)

    def after_step(self, weight: Weight, shared: Weight, mask: Mask, rate: float) -> Mask:
        """Moves the mask by the chain rule and shrinks the weights towards σ ⊗ M; returns the mask."""
        if self.is_idle:
            return mask
        if self.before is not None:
            mask = stepped_mask(mask, shared, torch.sub(weight, self.before, out=self.before))
            torch.mul(shared, per_row(mask, shared), out=self.anchor)
        self._shrink(weight, mask, rate)
        return mask

    def _shrink(self, weight: Weight, mask: Mask, rate: float) -> None:
        sparsity, drift = self.settings.sparsity, self.settings.drift
        if self.settings.form is Form.fixed:
            shrink_quadratic_(weight, self.anchor, mask, sparsity=sparsity, drift=drift, rate=rate)
        elif self.has_one_price:
            shrink_(weight, self.anchor, rate * sparsity, self.scratch[0])
        else:
            shrink_by_price_(weight, self.anchor, self.price, rate, self.scratch)


def total_load(shared: Weight, others: Sequence[tuple[Mask, SparseValues]]) -> Weight:
    """For each weight Σ_i M_i over the tasks that read σ there; who has a weight of its own asks for nothing."""
    load = torch.zeros_like(shared)
    for mask, values in others:
        rows = per_row(mask, shared).expand_as(shared).clone()
        load += rows.put_(values.places(), torch.zeros_like(values.values))
    return load
