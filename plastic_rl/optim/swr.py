"""Selective weight reinitialisation: single weights that do least are drawn afresh, every so many updates.

Hernandez-Garcia, Dohare, Luo, Sutton, "Reinitializing weights vs units for maintaining plasticity in neural networks",
CoLLAs 2025 (arXiv 2508.00212), "selective weight reinitialization" (SWR).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor
from torch.optim import Optimizer

from plastic_rl.choices import Pruning, Redraw, WeightUtility
from plastic_rl.layers import HiddenLayer, coefficients
from plastic_rl.optim.base import PlasticOptimizer
from plastic_rl.optim.distributed import agreed_seed
from plastic_rl.optim.occasional import idle
from plastic_rl.optim.origin import Origin
from plastic_rl.optim.stacked.seed_by_seed import SeedBySeed
from plastic_rl.validation import fraction, non_negative, one_of, whole_number


def utility_of(
    weight: Float[Tensor, "*shape"], gradient: Float[Tensor, "*shape"] | None, kind: WeightUtility
) -> Float[Tensor, "*shape"] | None:
    """|w g|, the change of the loss without the weight to first order, or |w|; None where a gradient is missing."""
    if kind is WeightUtility.magnitude:
        return weight.abs()
    return None if gradient is None else (weight * gradient).abs_()


def below_mean(utility: Float[Tensor, "*shape"], factor: float) -> Bool[Tensor, "*shape"]:
    """Threshold pruning: the weights whose utility is at most ``factor`` times the mean of their tensor.

    None of a tensor whose mean is infinite or not a number, which would say that all the others do nothing; and none of
    one whose mean is zero, where nobody does anything: the loss may be flat (a minibatch of PPO's that is clipped
    throughout), and the formula would have the whole tensor drawn afresh.
    """
    mean = utility.mean()
    return utility <= torch.where(mean.isfinite() & (mean > 0), factor * mean, -1.0)


def least(utility: Float[Tensor, "*shape"], count: int) -> Bool[Tensor, "*shape"]:
    """Proportional pruning: the ``count`` weights of least utility."""
    chosen = torch.zeros(utility.numel(), dtype=torch.bool, device=utility.device)
    places = utility.flatten().nan_to_num(nan=torch.inf).topk(count, largest=False).indices
    return chosen.index_fill_(0, places, True).view_as(utility)


class SelectiveWeightReinitialization(PlasticOptimizer):
    """Draws afresh, every ``every`` updates and after the step, the weights of each tensor that are of least utility.

    Every parameter that trains when the optimiser is wrapped counts, biases and norms and the output layer too, each
    tensor by itself. The wrapped optimiser's state is kept, as in the paper. Nothing makes up for what a weight said:
    the output jumps.

    Args:
        optimizer: what moves the parameters.
        layers: say which parameters are those of a learnt non-linearity, which go back to where each began.
        every: updates between two draws; 0 leaves the optimiser bit for bit alone.
        factor: with "threshold" pruning how many times the mean utility of its tensor a weight must have to stay, with
            "proportional" the share of weights that is drawn afresh, a fraction of a weight by chance.
        utility: of a weight (:class:`plastic_rl.choices.WeightUtility`).
        pruning: which weights are drawn afresh (:class:`plastic_rl.choices.Pruning`).
        redraw: what they become (:class:`plastic_rl.choices.Redraw`).
        seed: of the draws; None takes torch's initial seed. The global random-number stream is never touched.

    Raises:
        ValueError: for a hyper-parameter out of its range.
    """

    vectorized = SeedBySeed
    follows_resizing = True

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Sequence[HiddenLayer] = (),
        *,
        every: int = 2048,
        factor: float = 1e-5,
        utility: str = "gradient",
        pruning: str = "threshold",
        redraw: str = "resample",
        seed: int | None = None,
    ) -> None:
        super().__init__(optimizer)
        self.every = whole_number("every", every)
        self.utility = one_of("utility", WeightUtility, utility)
        self.pruning = one_of("pruning", Pruning, pruning)
        self.redraw = one_of("redraw", Redraw, redraw)
        is_share = self.pruning is Pruning.proportional
        self.factor = fraction("factor", factor) if is_share else non_negative("factor", factor)
        self.weights = self.trained
        exact = {id(each) for each in coefficients(layers)}
        self.memory = {
            "step": 0,
            "seed": agreed_seed(torch.initial_seed() if seed is None else seed),
            "origins": [Origin.of(each, is_exact=id(each) in exact).as_values() for each in self.weights],
            "drawn": [torch.zeros((), dtype=torch.int64, device=each.device) for each in self.weights],
        }

    def after_step(self) -> None:
        self.memory["step"] += 1
        if self.every and self.memory["step"] % self.every == 0:
            for place, weight in enumerate(self.weights):
                if weight.requires_grad:
                    self._reinitialise(place, weight)

    def _reinitialise(self, place: int, weight: Tensor) -> None:
        utility = utility_of(weight, weight.grad, self.utility)
        if utility is None:
            return
        source = random.Random(f"{self.memory['seed']}/{self.memory['step']}/{place}")
        chosen = self._chosen(utility, source)
        weight.copy_(torch.where(chosen, self._fresh(place, weight, source), weight))
        self.memory["drawn"][place].add_(chosen.sum())

    def _chosen(self, utility: Tensor, source: random.Random) -> Tensor:
        if self.pruning is Pruning.threshold:
            return below_mean(utility, self.factor)
        share = utility.numel() * self.factor
        return least(utility, int(share) + int(source.random() < share % 1))

    def _fresh(self, place: int, weight: Tensor, source: random.Random) -> Tensor:
        origin = Origin.from_values(self.memory["origins"][place])
        if self.redraw is Redraw.mean:
            return origin.centre(weight)
        generator = Generator(weight.device)
        generator.manual_seed(source.getrandbits(63))
        return origin.draw(weight, generator)

    def metrics(self) -> dict[str, int | float]:
        """Weights drawn afresh so far."""
        return {**super().metrics(), "swr/drawn": sum(int(count) for count in self.memory["drawn"])}

    def concerns(self, updates: int | None = None) -> Iterator[str]:
        yield from idle(self, self.every, updates)

    @torch.no_grad()
    def load_memory(self, memory: dict[str, Any]) -> None:
        self.memory.update(step=int(memory["step"]), seed=int(memory["seed"]))
        self.memory["origins"] = [Origin.from_values(each).as_values() for each in memory["origins"]]
        for count, saved in zip(self.memory["drawn"], memory["drawn"], strict=True):
            count.copy_(saved)
