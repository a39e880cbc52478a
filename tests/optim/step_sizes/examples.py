"""A linear prediction that is learned from given examples, whatever the rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from plastic_rl.optim.step_sizes import SlopeOptimizer

Make = Callable[[Iterable[Tensor]], SlopeOptimizer]


class Linear:
    """A weight of one output, and what learns it.

    Args:
        make: makes the optimiser.
        inputs: how many.
    """

    def __init__(self, make: Make, inputs: int = 2, outputs: int | None = None) -> None:
        shape = (inputs,) if outputs is None else (outputs, inputs)
        self.weight = nn.Parameter(torch.zeros(shape, dtype=torch.float64))
        self.optimizer = make([self.weight])

    def error(self, inputs: Tensor, target: Tensor) -> Tensor:
        return target - (self.weight * inputs).sum(-1)

    def learn(self, inputs: Tensor, target: Tensor) -> None:
        error = self.error(inputs, target)
        self.optimizer.zero_grad()
        (-error.sum()).backward()
        self.optimizer.observe(error)
        self.optimizer.step()

    def learn_all(self, inputs: Tensor, targets: Tensor) -> None:
        for each, target in zip(inputs, targets, strict=True):
            self.learn(each, target)


def numbers(*rows: Sequence[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def random_examples(count: int, inputs: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Inputs, and targets that depend on half of them."""
    draws = torch.Generator().manual_seed(seed)
    drawn = torch.randn(count, inputs, generator=draws, dtype=torch.float64)
    return drawn, drawn[:, : inputs // 2].sum(1) + torch.randn(count, generator=draws, dtype=torch.float64)
