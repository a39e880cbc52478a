"""Methods that see weights, gradients and memory alone, driven for one stacked network after the other."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from plastic_rl.optim.base import PlasticOptimizer
from plastic_rl.optim.stacked.vectorized import Vectorized


class SeedBySeed(Vectorized):
    """Drives a method for one seed after the other, between forward and backward passes that are run for all.

    For methods whose three moments see parameters, gradients and memory alone, and no activations.
    """

    methods: list[PlasticOptimizer]

    def after_zero_grad(self) -> None:
        if not self._overrides("after_zero_grad"):
            return
        for method in self.methods:
            for parameter in parameters_of(method):
                parameter.grad = None
            method.after_zero_grad()
        for parts, whole in self._pairs():
            self._gather(parts, whole)

    def _gather(self, parts: Sequence[Tensor], whole: Tensor) -> None:
        """Adds the seeds' gradients to that of the stacked parameter."""
        gradients = [part.grad for part in parts]
        if all(gradient is None for gradient in gradients):
            return
        zero = torch.zeros_like(parts[0])
        together = torch.stack([zero if gradient is None else gradient for gradient in gradients])
        whole.grad = together if whole.grad is None else whole.grad.add_(together)

    def before_step(self) -> None:
        if not (self._overrides("before_step") or self._overrides("after_step")):
            return
        for parts, whole in self._pairs():
            for part, gradient in zip(parts, [None] * len(parts) if whole.grad is None else whole.grad, strict=True):
                part.grad = gradient
        for method in self.methods:
            method.before_step()
        for parts, whole in self._pairs():
            for place, part in enumerate(parts):
                if whole.grad is not None and part.grad is not None:
                    whole.grad[place].copy_(part.grad)  # nothing to do where a method wrote into the view itself

    def after_step(self) -> None:
        for method in self.methods:
            method.after_step()

    def _overrides(self, moment: str) -> bool:
        return getattr(type(self.methods[0]), moment) is not getattr(PlasticOptimizer, moment)

    def _pairs(self) -> list[tuple[tuple[Tensor, ...], Tensor]]:
        """The parameters of all seeds, each time with the stacked one that they are parts of."""
        seeds = [[part for part, _ in self.stacked.views(seed)] for seed in range(len(self.methods))]
        return list(zip(zip(*seeds, strict=True), self.stacked.parameters.values(), strict=True))


def parameters_of(method: PlasticOptimizer) -> list[Tensor]:
    """The parameters that a method's optimiser moves."""
    return [parameter for group in method.param_groups for parameter in group["params"]]
