"""Hare and tortoise: weights that run ahead, and now and then are called back to their own slow average.

Lee, Cho, Kim, Kim, Min, Choo, Lyle, "Slow and steady wins the race: maintaining plasticity with hare and tortoise
networks", ICML 2024 (arXiv 2406.02596).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, Resizing
from plastic_rl.optim.base import PlasticOptimizer
from plastic_rl.optim.occasional import idle
from plastic_rl.optim.stacked.seed_by_seed import SeedBySeed
from plastic_rl.validation import fraction, whole_number


def follow(slow: list[Tensor], fast: list[Tensor], momentum: float) -> None:
    """θ_s ← μ θ_s + (1 - μ) θ_f in place."""
    torch._foreach_lerp_(slow, fast, 1 - momentum)  # pyright: ignore[reportPrivateImportUsage]


def call_back(fast: list[Tensor], slow: list[Tensor]) -> None:
    """θ_f ← θ_s: a copy, as the two go apart again with the next step."""
    torch._foreach_copy_(fast, slow)  # pyright: ignore[reportPrivateImportUsage]


class HareAndTortoise(PlasticOptimizer):
    """After each step θ_s ← μ θ_s + (1 - μ) θ_f, and after every so many θ_f ← θ_s (Lee et al. 2024).

    The network holds θ_f, the hare, which the wrapped optimiser moves; θ_s, the tortoise, is kept here, and takes the
    network's place inside :meth:`tortoise`. The optimiser's moments are kept when the hare is called back.

    Args:
        optimizer: what moves the hare.
        layers: not looked at; all parameters that train when it is wrapped are averaged.
        tortoise_momentum: μ, from 0 to 1.
        every: updates after which the hare is called back; 0 for never. The paper counts epochs.

    Raises:
        ValueError: for a setting out of its range.
    """

    vectorized = SeedBySeed
    calls_back = True

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Sequence[HiddenLayer] = (),
        *,
        tortoise_momentum: float = 0.999,
        every: int = 2000,
    ) -> None:
        super().__init__(optimizer)
        self.tortoise_momentum = fraction("tortoise_momentum", tortoise_momentum)
        self.every = whole_number("every", every)
        self.averaged = self.trained
        self.memory = {"step": 0, "slow": [each.detach().clone() for each in self.averaged]}

    follows_resizing = True

    def at_resizing(self, resizing: Resizing) -> None:
        """Lets the tortoise of newborn units begin where they do."""
        pairs = zip(self.averaged, self.memory["slow"], strict=True)
        self.memory["slow"] = [resizing.resized(weight, slow, newborn=None) for weight, slow in pairs]

    def after_step(self) -> None:
        self.memory["step"] += 1
        slow, fast = self._pairs()
        if not fast:
            return
        follow(slow, fast, self.tortoise_momentum)
        if self.every and self.memory["step"] % self.every == 0:
            call_back(fast, slow)

    @contextmanager
    def tortoise(self) -> Iterator[None]:
        """The slow weights in the network, for a ``with`` statement; the paper tests, and acts, with these."""
        slow, fast = self._pairs()
        hare = [each.clone() for each in fast]
        call_back(fast, slow)
        try:
            yield
        finally:
            call_back(fast, hare)

    def _pairs(self) -> tuple[list[Tensor], list[Tensor]]:
        """The slow and the fast weights of what trains now."""
        pairs = zip(self.memory["slow"], self.averaged, strict=True)
        live = [(slow, fast.detach()) for slow, fast in pairs if fast.requires_grad]
        return [slow for slow, _ in live], [fast for _, fast in live]

    def concerns(self, updates: int | None = None) -> Iterator[str]:
        yield from idle(self, self.every, updates)

    @torch.no_grad()
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Loads the state; where nothing is known of a tortoise yet, it begins where the hare has been put since."""
        super().load_state_dict(state_dict)
        if self.entry not in state_dict and not self.memory["step"]:
            call_back(*self._pairs())

    @torch.no_grad()
    def load_memory(self, memory: dict[str, Any]) -> None:
        self.memory["step"] = int(memory["step"])
        for own, saved in zip(self.memory["slow"], memory["slow"], strict=True):
            own.copy_(saved)
