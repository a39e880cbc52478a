"""The base of methods that draw weights back to where earlier tasks left them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, Resizing
from plastic_rl.optim.base import PlasticOptimizer, add_gradient
from plastic_rl.optim.stacked.seed_by_seed import SeedBySeed
from plastic_rl.validation import non_negative


class Anchoring(PlasticOptimizer, ABC):
    """Adds strength / 2 Σ_j Ω_j (θ_j - c_j)² to the loss, with importances Ω and centres c from the tasks before.

    The term's gradient is put where ``zero_grad`` leaves zeros, so that it is in the gradients that are clipped, as if
    it had been written into the loss: clear gradients with the optimiser's ``zero_grad``, not the network's. With
    strength 0, and until the first task is over, it is bit for bit the wrapped optimiser.

    Args:
        optimizer: what moves the parameters.
        layers: not looked at; all parameters of the optimiser that train are drawn back.
        strength: λ.

    Raises:
        ValueError: the strength is negative.
    """

    vectorized = SeedBySeed

    def __init__(self, optimizer: Optimizer, layers: Sequence[HiddenLayer] = (), *, strength: float) -> None:
        super().__init__(optimizer)
        self.strength = non_negative("strength", strength)
        self.memory = {"tasks": 0, "importances": [], "centres": []}
        self._anchored: list[Tensor] = []

    follows_resizing = True

    def at_resizing(self, resizing: Resizing) -> None:
        """Leaves newborn units free: of no importance to the tasks before, their centres are where they begin."""
        for name, newborn in (("importances", 0.0), ("centres", None)) if self.memory["tasks"] else ():
            pairs = zip(self.anchored, self.memory[name], strict=True)
            self.memory[name] = [resizing.resized(weight, value, newborn) for weight, value in pairs]

    @property
    def anchored(self) -> list[Tensor]:
        """The parameters that are drawn back, in the order of the groups: those that train when the first task ends.

        One that is frozen later is neither moved nor measured any more.
        """
        if not self.memory["tasks"]:
            self._anchored = self.trained
        return self._anchored

    @abstractmethod
    def consolidate(self, losses: Iterable[Tensor]) -> None:
        """Takes note of the weights at hand, with which a task is over.

        Args:
            losses: for some examples of the task, one by one, the negative log-likelihood of a target that was drawn
                from what the network says (a generator, so that one graph is alive at a time).
        """

    def after_zero_grad(self) -> None:
        for weight, importance, centre in self._anchors() if self.strength else ():
            add_gradient(weight, (weight - centre).mul_(importance).mul_(self.strength))

    def _anchors(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        if self.memory["tasks"]:
            anchors = zip(self.anchored, self.memory["importances"], self.memory["centres"], strict=True)
            yield from (anchor for anchor in anchors if anchor[0].requires_grad)

    @torch.no_grad()
    def penalty(self) -> float:
        """The addition of the term to the loss now."""
        parts = ((weight - centre).square().mul_(importance).sum() for weight, importance, centre in self._anchors())
        return 0.5 * self.strength * float(sum(parts))

    def metrics(self) -> dict[str, int | float]:
        """The number of tasks remembered, and the addition of the term to the loss."""
        return {**super().metrics(), "anchor/tasks": self.memory["tasks"], "anchor/penalty": self.penalty()}

    def load_memory(self, memory: dict[str, Any]) -> None:
        self.memory = {"tasks": 0, "importances": [], "centres": []}
        trained = self.anchored
        if memory["tasks"] and len(memory["centres"]) != len(trained):
            raise ValueError(
                f"the saved state is of {len(memory['centres'])} parameters, {len(trained)} train here: load it before "
                "some are frozen or thawed"
            )
        if memory["tasks"]:
            for name in ("importances", "centres"):
                self.memory[name] = [saved.to(each) for saved, each in zip(memory[name], trained, strict=True)]
        self.memory["tasks"] = memory["tasks"]
