"""MetaOptimize: the step size of each block of weights is learned while they are.

Sharifnassab, Salehkaleybar, Sutton, "MetaOptimize: a framework for optimizing step sizes and other meta-parameters",
ICML 2025 (arXiv 2402.02342), in the form without second derivatives ("hg") that its released code runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.choices import Blocks
from plastic_rl.layers import HiddenLayer, Resizing
from plastic_rl.layers.port import fill
from plastic_rl.optim.base import PlasticOptimizer
from plastic_rl.optim.events import UnitsReplaced
from plastic_rl.optim.replacement import entries_of
from plastic_rl.optim.stacked.seed_by_seed import SeedBySeed
from plastic_rl.validation import fraction, non_negative, one_of

# Lion's two averages of the meta gradient.
KEPT, MIXED = 0.99, 0.9


def meta_gradients(traces: Sequence[Tensor], gradients: Sequence[Tensor], blocks: int) -> Float[Tensor, " blocks"]:
    """G = Σ h g of each block: by how much the loss falls with β, as h is minus the slope of the weights with β.

    Args:
        traces: h of each parameter.
        gradients: g of each.
        blocks: as many as there are parameters, or one for all.
    """
    products = [(trace * gradient).sum() for trace, gradient in zip(traces, gradients, strict=True)]
    return torch.stack(products) if blocks > 1 else torch.stack(products).sum(0, keepdim=True)


def lion(
    log_gain: Float[Tensor, " blocks"],
    momentum: Float[Tensor, " blocks"],
    meta_gradient: Float[Tensor, " blocks"],
    meta_step: float,
) -> None:
    """Lion's step up the meta gradient: m ← 0.99 m + 0.01 G, β ← β + μ sign(0.9 m + 0.1 G), in place.

    Lion itself mixes before it averages; the released code, and this, after.
    """
    momentum.mul_(KEPT).add_(meta_gradient, alpha=1 - KEPT)
    log_gain.add_((MIXED * momentum + (1 - MIXED) * meta_gradient).sign(), alpha=meta_step)


def update_trace(trace: Tensor, move: Tensor, discount: float) -> None:
    """H ← γ h - Δθ, in place, where Δθ is the step that the weights have made."""
    trace.mul_(discount).sub_(move)


class MetaOptimize(PlasticOptimizer):
    """θ ← θ + e^β Δ: the wrapped optimiser's step Δ at a length that follows the slope of later losses with β.

    Around Adam this is the paper's AdamW with Lion on top. The learning rate of the wrapped optimiser is the first
    step size. A block's β is one number.

    Args:
        optimizer: what makes the steps.
        layers: not looked at; all parameters that train when it is wrapped are moved so.
        meta_step: μ, by which β changes at each step, up or down; 0 leaves the wrapped optimiser as it is.
        trace_discount: γ, of the trace of past steps.
        blocks: a step size for each tensor ("tensors"), or one for all ("one").

    Raises:
        ValueError: for a setting out of its range.
    """

    vectorized = SeedBySeed

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Sequence[HiddenLayer] = (),
        *,
        meta_step: float = 1e-3,
        trace_discount: float = 0.9999,
        blocks: str = "tensors",
    ) -> None:
        super().__init__(optimizer)
        self.meta_step = non_negative("meta_step", meta_step)
        self.trace_discount = fraction("trace_discount", trace_discount)
        self.blocks = one_of("blocks", Blocks, blocks)
        self.scaled = self.trained if self.meta_step else []
        self.memory = self._fresh() if self.scaled else {}
        self._before: list[Tensor] = []

    def _fresh(self) -> dict[str, Any]:
        first = self.scaled[0].detach()
        count = len(self.scaled) if self.blocks is Blocks.tensors else 1
        zeros = torch.zeros(count, dtype=torch.promote_types(first.dtype, torch.float32), device=first.device)
        traces = [torch.zeros_like(each) for each in self.scaled]
        return {"log_gain": zeros, "momentum": zeros.clone(), "trace": traces}

    def before_step(self) -> None:
        """Learns from the gradients by how much the steps should be longer, and takes note of the weights."""
        if not self.scaled:
            return
        gradients = [torch.zeros_like(each) if each.grad is None else each.grad for each in self.scaled]
        found = meta_gradients(self.memory["trace"], gradients, len(self.memory["log_gain"]))
        lion(self.memory["log_gain"], self.memory["momentum"], found.to(self.memory["momentum"]), self.meta_step)
        self._before = [each.detach().clone() for each in self.scaled]

    def after_step(self) -> None:
        """Puts the weights where a step of the learned length would have."""
        if not self.scaled:
            return
        weights = [each.detach() for each in self.scaled]
        moves = list(torch._foreach_sub(weights, self._before))  # pyright: ignore[reportPrivateImportUsage]
        excess = torch.expm1(self.memory["log_gain"])
        for place, (weight, move) in enumerate(zip(weights, moves, strict=True)):
            longer = move * excess[place if len(excess) > 1 else 0].to(move.dtype)
            weight.add_(longer)
            update_trace(self.memory["trace"][place], move.add_(longer), self.trace_discount)
        self._before = []

    def at_replacement(self, event: UnitsReplaced) -> None:
        """Lets newborn units begin without the steps of those before them."""
        places = {id(each): place for place, each in enumerate(self.scaled)}
        for parameter, axis, index in entries_of(event.layer, event.units) if self.memory else ():
            place = places.get(id(parameter))
            fill(None if place is None else self.memory["trace"][place], axis, index, 0.0)

    follows_resizing = True

    def at_resizing(self, resizing: Resizing) -> None:
        """Lets newborn units begin without steps behind them, at the step size that their tensor has learned."""
        if self.memory:
            pairs = zip(self.scaled, self.memory["trace"], strict=True)
            self.memory["trace"] = [resizing.resized(weight, trace) for weight, trace in pairs]

    def metrics(self) -> dict[str, int | float]:
        """By how much the steps have grown: the geometric mean over blocks."""
        own = {"metaoptimize/gain": float(self.memory["log_gain"].mean().exp())} if self.memory else {}
        return {**super().metrics(), **own}

    @torch.no_grad()
    def load_memory(self, memory: dict[str, Any]) -> None:
        for name in ("log_gain", "momentum") if self.memory else ():
            self.memory[name].copy_(memory[name])
        for own, saved in zip(self.memory["trace"], memory["trace"], strict=True) if self.memory else ():
            own.copy_(saved)
