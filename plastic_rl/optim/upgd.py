"""Utility-based perturbed gradient descent: useful weights are protected, useless ones are disturbed.

Elsayed, Mahmood, "Addressing loss of plasticity and catastrophic forgetting in continual learning", ICLR 2024 (arXiv
2404.00781). Around SGD it is UPGD, around Adam AdaUPGD.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, Resizing
from plastic_rl.optim.base import PlasticOptimizer
from plastic_rl.optim.noise import normal_noise
from plastic_rl.optim.stacked.seed_by_seed import SeedBySeed
from plastic_rl.validation import fraction, non_negative


def follow(utilities: list[Tensor], weights: list[Tensor], gradients: list[Tensor], beta: float) -> None:
    """U ← β U + (1 - β) (-g w) in place: by how much, to first order, the loss would rise without a weight."""
    products = torch._foreach_mul(gradients, weights)  # pyright: ignore[reportPrivateImportUsage]
    torch._foreach_neg_(products)  # pyright: ignore[reportPrivateImportUsage]
    torch._foreach_lerp_(utilities, products, 1 - beta)  # pyright: ignore[reportPrivateImportUsage]


def gates(utilities: list[Tensor]) -> list[Tensor]:
    """1 - sigmoid(U / max U) with the maximum over all weights: 0.27 for the most useful, 1 for a harmful one.

    Where no weight is useful (max U ≤ 0) none is protected; the quotient would turn the order round.
    """
    most = torch.stack([each.max() for each in utilities]).max()
    opposite = -most.clamp(min=torch.finfo(most.dtype).tiny)
    scaled = torch._foreach_div(utilities, opposite)  # pyright: ignore[reportPrivateImportUsage]
    torch._foreach_sigmoid_(scaled)  # pyright: ignore[reportPrivateImportUsage]
    return list(scaled)


class UPGD(PlasticOptimizer):
    """w ← (1 - α λ) w + c (Δw - α ξ) (1 - s): the wrapped optimiser's step Δw, and noise ξ, by the utility of weights.

    s = sigmoid(U / max U). Around SGD, Δw = -α g, and this is the paper's rule w ← w - α (g + ξ) (1 - s); around Adam,
    Δw = -α m̂ / (√v̂ + ε), and it is AdaUPGD. Moments are those of the gradients as they are, as there.

    Args:
        optimizer: what makes the steps; give it no weight decay of its own, which would be gated too.
        layers: not looked at; all parameters that train when it is wrapped have a utility.
        beta_utility: β, by which the running utility decays.
        sigma: the standard deviation of ξ, in the units of a gradient.
        decoupled_weight_decay: λ, not gated ("UPGD-W").
        protecting: False gates the noise alone: w ← w + Δw - α ξ (1 - s) (the paper's non-protecting UPGD).
        step_scale: c; the released code has 2, so that a weight of no utility moves as by the wrapped optimiser.
        seed: of the noise; None takes torch's initial seed. The global random-number stream is never touched.

    Raises:
        ValueError: for a setting out of its range.
    """

    vectorized = SeedBySeed

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Sequence[HiddenLayer] = (),
        *,
        beta_utility: float = 0.999,
        sigma: float = 0.001,
        decoupled_weight_decay: float = 0.001,
        protecting: bool = True,
        step_scale: float = 1.0,
        seed: int | None = None,
    ) -> None:
        super().__init__(optimizer)
        self.beta_utility, self.sigma = fraction("beta_utility", beta_utility), non_negative("sigma", sigma)
        self.decoupled_weight_decay = non_negative("decoupled_weight_decay", decoupled_weight_decay)
        self.protecting, self.step_scale = protecting, non_negative("step_scale", step_scale)
        acts = protecting or sigma or decoupled_weight_decay or step_scale != 1
        self.gated = self.trained if acts else []
        utility = [torch.zeros_like(each, requires_grad=False) for each in self.gated]
        self.memory = {"step": 0, "seed": torch.initial_seed() if seed is None else seed, "utility": utility}
        self._live: list[int] = []
        self._before: list[Tensor] = []

    def before_step(self) -> None:
        """Brings the utilities up to date, and takes note of the weights."""
        self._live = [place for place, each in enumerate(self.gated) if each.grad is not None and each.requires_grad]
        if self._live:
            weights = [self.gated[place].detach() for place in self._live]
            gradients = [each.grad for each in self.gated if each.grad is not None and each.requires_grad]
            follow(self._utilities(), weights, gradients, self.beta_utility)
            self._before = [each.clone() for each in weights]

    def after_step(self) -> None:
        """Does the step again, as much of it as the gates let through."""
        if not self._live:
            return
        self.memory["step"] += 1
        weights, rates = [self.gated[place].detach() for place in self._live], self._rates()
        torch._foreach_sub_(weights, self._before)  # pyright: ignore[reportPrivateImportUsage]
        self._gate(weights, rates)
        if self.decoupled_weight_decay:
            for before, rate in zip(self._before, rates, strict=True):
                before.mul_(1 - rate * self.decoupled_weight_decay)
        torch._foreach_add_(self._before, weights, alpha=self.step_scale)  # pyright: ignore[reportPrivateImportUsage]
        torch._foreach_copy_(weights, self._before)  # pyright: ignore[reportPrivateImportUsage]
        self._before = []

    def _gate(self, moves: list[Tensor], rates: list[Any]) -> None:
        """(Δw - α ξ) (1 - s), or Δw - α ξ (1 - s) where steps are not gated, in place of Δw."""
        noise, shares = self._noise(moves, rates), gates(self._utilities())
        if not self.protecting:
            torch._foreach_addcmul_(moves, noise, shares)  # pyright: ignore[reportPrivateImportUsage]
            return
        torch._foreach_add_(moves, noise)  # pyright: ignore[reportPrivateImportUsage]
        torch._foreach_mul_(moves, shares)  # pyright: ignore[reportPrivateImportUsage]

    def _noise(self, weights: list[Tensor], rates: list[Any]) -> list[Tensor]:
        """-α ξ for each weight; zeros without noise."""
        if not self.sigma:
            return [torch.zeros_like(each) for each in weights]
        drawn = normal_noise(weights, std=self.sigma, seed=self.memory["seed"], step=self.memory["step"])
        return [each.to(weight.dtype).mul_(-rate) for each, weight, rate in zip(drawn, weights, rates, strict=True)]

    def _utilities(self) -> list[Tensor]:
        return [self.memory["utility"][place] for place in self._live]

    def _rates(self) -> list[Any]:
        """The step size α of each parameter, a number or a tensor."""
        by_parameter = {id(each): group["lr"] for group in self.param_groups for each in group["params"]}
        return [by_parameter[id(self.gated[place])] for place in self._live]

    follows_resizing = True

    def at_resizing(self, resizing: Resizing) -> None:
        """Lets newborn units begin without utility."""
        pairs = zip(self.gated, self.memory["utility"], strict=True)
        self.memory["utility"] = [resizing.resized(weight, utility) for weight, utility in pairs]

    @torch.no_grad()
    def load_memory(self, memory: dict[str, Any]) -> None:
        self.memory.update(step=int(memory["step"]), seed=int(memory["seed"]))
        for own, saved in zip(self.memory["utility"], memory["utility"], strict=True):
            own.copy_(saved)
