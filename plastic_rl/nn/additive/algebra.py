"""The algebra of θ = σ ⊗ M + τ: the chain rule, the price of leaving σ, and what an old task keeps.

Notation (Yoon et al. 2020): θ are the weights that the network uses, σ what all tasks share, M a mask with one number
per row (output), τ what a task has for itself. The proposal θ' is where the wrapped optimiser has moved the weights.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Weight = Float[Tensor, "rows *columns"]
Mask = Float[Tensor, " rows"]


def per_row(mask: Mask, weight: Weight) -> Tensor:
    """The mask with as many axes as the weight, so that it multiplies rows."""
    return mask.view(-1, *[1] * (weight.ndim - 1))


def compose(shared: Weight, mask: Mask) -> Weight:
    """σ ⊗ M: what a task reads where it has nothing of its own (Yoon et al. 2020, Section 3.1)."""
    return shared * per_row(mask, shared)


def route(gradient: Weight, shared: Weight, mask: Mask) -> tuple[Weight, Weight, Mask]:
    """The chain rule through θ = σ ⊗ sigmoid(v) + τ: from ∂L/∂θ to ∂L/∂σ = ∂L/∂θ ⊗ M, ∂L/∂τ = ∂L/∂θ and ∂L/∂v."""
    return gradient * per_row(mask, shared), gradient, route_to_mask(gradient * shared, mask)


def route_to_mask(products: Weight, mask: Mask) -> Mask:
    """∂L/∂v = M (1 - M) Σ_j ∂L/∂θ_j σ_j for each row, from the products ∂L/∂θ ⊗ σ."""
    return products.flatten(1).sum(1).mul_(slope(mask))


def slope(mask: Mask) -> Mask:
    """dM/dv = M (1 - M)."""
    return torch.addcmul(mask, mask, mask, value=-1)


def stepped_mask(mask: Mask, shared: Weight, moved: Weight) -> Mask:
    """The mask after v has followed a movement of θ by the chain rule; for SGD this is SGD's own step of v.

    Args:
        mask: M.
        shared: σ.
        moved: by how much the optimiser has moved θ; overwritten.
    """
    return torch.logit(mask).add_(route_to_mask(moved.mul_(shared), mask)).sigmoid_()


def prices(load: Weight, mask: Mask, sparsity: float, drift: float) -> tuple[Weight, Bool[Tensor, "rows *columns"]]:
    """The price per weight of leaving σ ⊗ M, and a mask of where σ itself is the cheaper of the two that can move.

    A weight can leave by its task's τ, at the price λ', or by σ, at the price that the old tasks ask: drift · w / M
    with w = Σ_i M_i over the old tasks that read σ there. At the minimum over both, the cheaper takes the whole way.

    Args:
        load: w, for each weight.
        mask: M of the task that learns.
        sparsity: λ'.
        drift: what one old task asks, per unit of its mask.

    Returns:
        The lower of the two prices, and whether it is that of σ.
    """
    asked = torch.where(load > 0, load * drift / per_row(mask, load), 0.0)
    is_free = asked < sparsity
    return asked.clamp_(max=sparsity), is_free


def shrink_(weight: Weight, anchor: Weight, threshold: float, scratch: Weight) -> None:
    """Replaces θ' in place by argmin_θ ½ (θ - θ')² + threshold · |θ - anchor|, the soft threshold around the anchor.

    What is not worth the threshold becomes the anchor bit for bit, because anchor + 0 is the anchor.

    Args:
        weight: θ'.
        anchor: σ ⊗ M.
        threshold: the learning rate times the price of all weights.
        scratch: room for a weight.
    """
    torch.sub(weight, anchor, out=scratch)
    torch.ops.aten.softshrink.out(scratch, threshold, out=scratch)
    torch.add(anchor, scratch, out=weight)


def shrink_by_price_(
    weight: Weight, anchor: Weight, price: Weight, rate: float, scratch: Float[Tensor, "2 rows *columns"]
) -> None:
    """Shrinks like :func:`shrink_`, with a price for each weight; what has price 0 does not move.

    The result is the anchor's projection on [θ' ± rate · price].

    Args:
        weight: θ'.
        anchor: σ ⊗ M.
        price: in units of the learning rate.
        rate: the learning rate.
        scratch: room for two weights.
    """
    low, high = scratch
    torch.sub(weight, price, alpha=rate, out=low)
    torch.add(weight, price, alpha=rate, out=high)
    torch.clamp(anchor, low, high, out=weight)


def shrink_quadratic_(
    weight: Weight, anchor: Weight, mask: Mask, *, sparsity: float, drift: float, rate: float
) -> None:
    """Replaces θ' in place by the θ = anchor + M s + τ of least ½ (θ - θ')² + rate (λ' |τ| + drift · s²).

    The penalty of Equation 1 with s = σ - σ_old: σ follows first, and τ takes over where σ's price has reached λ'.
    """
    stiffness = 1 / (1 + mask.square() / (2 * rate * drift)) if rate * drift else torch.zeros_like(mask)
    excess = (weight - anchor).mul_(per_row(stiffness, weight))
    weight.sub_(excess.clamp_(-rate * sparsity, rate * sparsity))


def followed(
    weight: Weight, anchor: Weight, mask: Mask, sparsity: float, drift: float
) -> tuple[Weight, Bool[Tensor, "rows *columns"]]:
    """The step by which σ has followed each weight under :func:`shrink_quadratic_`, and a mask of where τ took over.

    s = clamp((θ - anchor) / M, ± λ' M / (2 drift)).
    """
    rows = per_row(mask, weight)
    reach = (rows * (sparsity / (2 * drift)) if drift else torch.full_like(rows, math.inf)).expand_as(weight)
    step = torch.minimum(torch.maximum((weight - anchor) / rows, -reach), reach)
    return step, step.abs() == reach
