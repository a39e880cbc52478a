"""TRAC: how far to go from the initial weights is learned online, without a setting.

Muppidi, Zhang, Yang, "Fast TRAC: a parameter-free optimizer for lifelong reinforcement learning", NeurIPS 2024 (arXiv
2405.16642), Algorithms 1 and 2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, Resizing
from plastic_rl.layers.port import fill
from plastic_rl.optim.base import PlasticOptimizer
from plastic_rl.optim.events import UnitsReplaced
from plastic_rl.optim.replacement import entries_of
from plastic_rl.optim.stacked.seed_by_seed import SeedBySeed
from plastic_rl.validation import non_negative, whole_number

# Where an argument of erfi is cut off: beyond it single precision overflows.
LARGEST = 9.0


@lru_cache(maxsize=16)
def quadrature(dtype: torch.dtype, device: torch.device) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """The squares of Gauss-Legendre's nodes in [0, 1], and their weights."""
    nodes, weights = np.polynomial.legendre.leggauss(64)
    squares = torch.from_numpy(((nodes + 1) / 2) ** 2)
    return squares.to(device, dtype), torch.from_numpy(weights / 2).to(device, dtype)


def erfi(values: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """The imaginary error function, 2 / √π ∫_0^x exp(t²) dt, exact to rounding for arguments up to :data:`LARGEST`."""
    squares, weights = quadrature(values.dtype, values.device)
    return 2 / math.sqrt(math.pi) * values * ((values.square()[:, None] * squares).exp() @ weights)


@lru_cache(maxsize=1)
def unit() -> float:
    """The number erfi(1 / √2), by which the tuners' scales are divided."""
    return float(erfi(torch.tensor([math.sqrt(0.5)], dtype=torch.float64)))


@lru_cache(maxsize=16)
def discounts(tuners: int, dtype: torch.dtype, device: torch.device) -> Float[Tensor, " tuners"]:
    """β_j = 1 - 10^-j: 0.9, 0.99, 0.999 and so on."""
    return torch.tensor([1 - 10.0**-j for j in range(1, tuners + 1)], dtype=torch.float64).to(device, dtype)


def tune(
    sigma: Float[Tensor, " tuners"],
    variance: Float[Tensor, " tuners"],
    slope: Float[Tensor, ""],
    beta: Float[Tensor, " tuners"],
    *,
    s_prev: float,
    epsilon: float,
) -> Float[Tensor, ""]:
    """One step of all tuners (Algorithm 2), σ and v in place; the sum of their scales.

    v_j ← β_j² v_j + h², σ_j ← β_j σ_j - h, s_j = s_prev erfi(σ_j / (√2 √v_j + ε)) / erfi(1 / √2)

    Args:
        sigma: σ.
        variance: v.
        slope: h, the slope of the loss along the displacement.
        beta: β.
        s_prev: the scale to begin with.
        epsilon: ε.
    """
    variance.mul_(beta.square()).add_(slope.square())
    sigma.mul_(beta).sub_(slope)
    ratio = sigma / (math.sqrt(2) * variance.sqrt() + epsilon)
    return s_prev / unit() * erfi(ratio.clamp(-LARGEST, LARGEST)).sum()


class TRAC(PlasticOptimizer):
    """θ ← θ_ref + max(S, 0) Δ: the wrapped optimiser's displacement Δ from the initial weights, by a learned scale S.

    S is the sum of the scales of several tuners, which differ in how fast they forget: each makes a bet on the slope of
    the loss along Δ. Where it turns against Δ, as after a change, S falls and the weights return towards θ_ref.

    The displacement is kept as what it is, the sum of the wrapped optimiser's steps. What others write to the weights
    between two steps moves θ_ref with them; of units that a method around this one replaces the displacement is over.

    Args:
        optimizer: what makes the steps; around SGD or Adam alike.
        layers: not looked at; all parameters that train when it is wrapped are scaled.
        tuners: how many; number j forgets by β_j = 1 - 10^-j, so that six are the paper's 0.9 to 0.999999. 0 for none.
        s_prev: the scale of each tuner to begin with.
        epsilon: ε, and the first σ.

    Raises:
        ValueError: for a setting out of its range.
    """

    vectorized = SeedBySeed

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Sequence[HiddenLayer] = (),
        *,
        tuners: int = 6,
        s_prev: float = 1e-8,
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__(optimizer)
        self.tuners = whole_number("tuners", tuners)
        self.s_prev, self.epsilon = non_negative("s_prev", s_prev), non_negative("epsilon", epsilon)
        self.scaled = self.trained if tuners else []
        self.memory = self._fresh() if self.scaled else {}
        self._moved: list[int] = []
        self._before: list[Tensor] = []

    def _fresh(self) -> dict[str, Any]:
        first = self.scaled[0].detach()
        zeros = torch.zeros(self.tuners, dtype=torch.promote_types(first.dtype, torch.float32), device=first.device)
        return {
            "scale": zeros.sum(),
            "sigma": torch.full_like(zeros, self.epsilon),
            "variance": zeros,
            "reference": [each.detach().clone() for each in self.scaled],
            "displacement": [torch.zeros_like(each) for each in self.scaled],
        }

    def before_step(self) -> None:
        """Takes note of the weights, and brings the reference up to date with what others have written."""
        live = [place for place, each in enumerate(self.scaled) if each.grad is not None and each.requires_grad]
        self._moved = live
        if not live:
            return
        weights = [self.scaled[place] for place in live]
        self._before = [each.detach().clone() for each in weights]
        strayed = self._placed()
        torch._foreach_sub_(strayed, self._before)  # pyright: ignore[reportPrivateImportUsage]
        torch._foreach_sub_(self._of("reference"), strayed)  # pyright: ignore[reportPrivateImportUsage]

    def after_step(self) -> None:
        """Adds the step to the displacement, tunes the scale, and puts the weights where the two say."""
        if not self._moved:
            return
        weights = [self.scaled[place].detach() for place in self._moved]
        displacement, slope = self._of("displacement"), self._slope()
        torch._foreach_sub_(weights, self._before)  # pyright: ignore[reportPrivateImportUsage]
        torch._foreach_add_(displacement, weights)  # pyright: ignore[reportPrivateImportUsage]
        self.memory["scale"].copy_(self._tune(slope).clamp_(min=0))
        self._placed(weights)
        self._before = []

    def at_replacement(self, event: UnitsReplaced) -> None:
        """Lets newborn units begin without the displacement of those before them, which the scale would bring back."""
        places = {id(each): place for place, each in enumerate(self.scaled)}
        for parameter, axis, index in entries_of(event.layer, event.units) if self.memory else ():
            place = places.get(id(parameter))
            fill(None if place is None else self.memory["displacement"][place], axis, index, 0.0)

    follows_resizing = True

    def at_resizing(self, resizing: Resizing) -> None:
        """Lets newborn units begin where they are, without a displacement."""
        for name, newborn in (("reference", None), ("displacement", 0.0)) if self.memory else ():
            pairs = zip(self.scaled, self.memory[name], strict=True)
            self.memory[name] = [resizing.resized(weight, value, newborn) for weight, value in pairs]

    def _of(self, name: str) -> list[Tensor]:
        return [self.memory[name][place] for place in self._moved]

    def _placed(self, into: list[Tensor] | None = None) -> list[Tensor]:
        """The place of the weights, θ_ref + S Δ; written into tensors that are given."""
        scale, moved = self.memory["scale"], self._of("displacement")
        places = zip(self._of("reference"), moved, into or [None] * len(moved), strict=True)
        return [torch.addcmul(reference, each, scale.to(each.dtype), out=out) for reference, each, out in places]

    def _slope(self) -> Float[Tensor, ""]:
        """The slope h = ⟨g, Δ⟩ over all parameters, with the displacement before this step."""
        pairs = zip([self.scaled[place] for place in self._moved], self._of("displacement"), strict=True)
        dots = [torch.sum(each.grad * moved) for each, moved in pairs if each.grad is not None]
        return torch.stack([dot.to(self.memory["sigma"]) for dot in dots]).sum()

    def _tune(self, slope: Float[Tensor, ""]) -> Float[Tensor, ""]:
        sigma, variance = self.memory["sigma"], self.memory["variance"]
        beta = discounts(self.tuners, sigma.dtype, sigma.device)
        return tune(sigma, variance, slope, beta, s_prev=self.s_prev, epsilon=self.epsilon)

    def metrics(self) -> dict[str, int | float]:
        """The scale S, of which the wrapped optimiser has none: it always goes all the way."""
        own = {"trac/scale": float(self.memory["scale"])} if self.memory else {}
        return {**super().metrics(), **own}

    @torch.no_grad()
    def load_memory(self, memory: dict[str, Any]) -> None:
        for name in ("scale", "sigma", "variance") if self.memory else ():
            self.memory[name].copy_(memory[name])
        for name in ("reference", "displacement") if self.memory else ():
            for own, saved in zip(self.memory[name], memory[name], strict=True):
                own.copy_(saved)
