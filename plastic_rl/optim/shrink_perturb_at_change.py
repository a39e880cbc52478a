"""Shrink and perturb, once at a change: weights part of the way back to fresh ones.

Ash & Adams, "On Warm-Starting Neural Network Training", NeurIPS 2020 (arXiv 1910.08475). A little of it at each step is
:class:`plastic_rl.optim.ShrinkPerturb`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, coefficients
from plastic_rl.optim.noise import normal_noise
from plastic_rl.optim.occasional import Occasional
from plastic_rl.optim.stacked.seed_by_seed import SeedBySeed
from plastic_rl.validation import fraction, non_negative

# Draws for actions are far from those of methods that draw at each step with the same seed.
FIRST_DRAW = 2**40


def fresh(noise: list[Tensor], means: list[Tensor], spreads: list[Tensor]) -> list[Tensor]:
    """Draws like those of the beginning: for each parameter of the mean and the spread that its entries had then."""
    return [torch.addcmul(mean, each, spread) for each, mean, spread in zip(noise, means, spreads, strict=True)]


def shrink_and_perturb_(parameters: list[Tensor], draws: list[Tensor], *, shrink: float, perturb: float) -> None:
    """θ ← (1 - shrink) θ + perturb θ_fresh for each parameter."""
    torch._foreach_mul_(parameters, 1 - shrink)  # pyright: ignore[reportPrivateImportUsage]
    torch._foreach_add_(parameters, draws, alpha=perturb)  # pyright: ignore[reportPrivateImportUsage]


class ShrinkPerturbAtChange(Occasional):
    """θ ← (1 - shrink) θ + perturb θ_fresh when a task begins, at an interval, or when told (Ash & Adams 2020).

    Fresh weights are normal draws with the mean and the standard deviation that the entries of each parameter had at
    construction: biases that began at zero are only shrunk, and gains of norms, which began at one, are drawn to one.
    The coefficients of a learnt non-linearity are drawn to where each of them began.

    Args:
        optimizer: what moves the parameters.
        layers: say which parameters are coefficients; all that train when it is wrapped are shrunk and perturbed.
        on_change: act when a task begins, but for the first.
        every: updates between two actions; 0 for no interval.
        shrink_by: the share of each weight that is lost.
        perturb_by: the share of a fresh weight that is added.
        seed: of the draws; None takes torch's initial seed. The global random-number stream is never touched.

    Raises:
        ValueError: for a setting out of its range.
    """

    vectorized = SeedBySeed
    follows_resizing = True
    counter = "shrink_perturb/times"

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Sequence[HiddenLayer] = (),
        *,
        on_change: bool = True,
        every: int = 0,
        shrink_by: float = 0.5,
        perturb_by: float = 0.5,
        seed: int | None = None,
    ) -> None:
        super().__init__(optimizer, on_change=on_change, every=every)
        self.shrink_by, self.perturb_by = fraction("shrink_by", shrink_by), non_negative("perturb_by", perturb_by)
        self.perturbed = self.trained
        self.memory["seed"] = torch.initial_seed() if seed is None else seed
        exact = {id(each) for each in coefficients(layers)}
        starts = [(each.detach().clone(), id(each) in exact) for each in self.perturbed]
        self.memory["means"] = [start if is_exact else start.mean() for start, is_exact in starts]
        self.memory["spreads"] = [start.std(correction=0) * (not is_exact) for start, is_exact in starts]

    def act(self) -> None:
        live = [place for place, each in enumerate(self.perturbed) if each.requires_grad]
        if not live:
            return
        weights = [self.perturbed[place].detach() for place in live]
        noise = normal_noise(weights, std=1.0, seed=self.memory["seed"], step=FIRST_DRAW + self.memory["times"])
        means, spreads = ([self.memory[name][place] for place in live] for name in ("means", "spreads"))
        draws = fresh([each.to(weight.dtype) for each, weight in zip(noise, weights, strict=True)], means, spreads)
        shrink_and_perturb_(weights, draws, shrink=self.shrink_by, perturb=self.perturb_by)

    @torch.no_grad()
    def load_memory(self, memory: dict[str, Any]) -> None:
        super().load_memory(memory)
        self.memory["seed"] = int(memory["seed"])
        for name in ("means", "spreads"):
            for own, saved in zip(self.memory[name], memory[name], strict=True):
                own.copy_(saved)
