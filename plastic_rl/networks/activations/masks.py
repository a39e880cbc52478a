"""Modules that mask what passes at random: dropout, and activation by interval-wise dropout (AID).

Each module has a random stream of its own, a function of its seed and of how often it has drawn. The seed comes from
torch's global stream when the module is made; both are in the module's state, so that a run goes on bit for bit
wherever it is resumed, and learns the same beside other runs as alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor
from torch.nn import functional
from torch.nn.modules.dropout import _DropoutNd

from plastic_rl.validation import fraction


def interval_dropout(inputs: Float[Tensor, "*any"], mask: Bool[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """The masked sum m relu(x) - (1 - m) relu(-x): the positive half passes where m is true, elsewhere the other."""
    return inputs * ((inputs > 0) == mask)


def expected_interval_dropout(inputs: Float[Tensor, "*any"], probability: float) -> Float[Tensor, "*any"]:
    """The sum p relu(x) - (1 - p) relu(-x), the mean of :func:`interval_dropout` over masks of mean p."""
    return probability * functional.leaky_relu(inputs, (1 - probability) / probability)


class RandomMask(_DropoutNd, ABC):
    """Draws a mask whenever it runs in training mode; in evaluation mode it gives the mean over all masks.

    Whoever looks for torch's dropouts finds it among them: its ``p`` is, as theirs, the probability of a zero.

    Args:
        probability: that an element of the mask is true.
    """

    def __init__(self, probability: float) -> None:
        super().__init__(1 - probability)
        self.probability, self.draws = probability, 0
        self.seed = int(torch.randint(2**31, ()))

    def forward(self, input: Tensor) -> Tensor:
        """The input, masked, or what is to be expected of it."""
        if not self.training:
            return self.expected(input)
        outside: Any = torch.compiler.disable  # of graphs, which could not count
        draw = outside(self._mask) if torch.compiler.is_compiling() else self._mask
        return self.masked(input, draw(input))

    @abstractmethod
    def masked(self, input: Tensor, mask: Tensor) -> Tensor:
        """The output with a mask, true with the probability of this module."""

    @abstractmethod
    def expected(self, input: Tensor) -> Tensor:
        """The mean of the output over masks."""

    def _mask(self, input: Tensor) -> Tensor:
        source = Generator(input.device)
        source.manual_seed((self.seed * 1_000_003 + self.draws) % 2**63)
        self.draws += 1
        # On a processor in half the time of `bernoulli_`.
        return torch.rand(input.shape, device=input.device, generator=source) < self.probability

    def get_extra_state(self) -> Tensor:
        """The seed, and how many masks it has given."""
        return torch.tensor([self.seed, self.draws])

    def set_extra_state(self, state: Any) -> None:
        """Goes on from a saved state."""
        self.seed, self.draws = state.tolist()

    def extra_repr(self) -> str:
        """The setting."""
        return f"probability={self.probability:g}"


class Dropout(RandomMask):
    """Dropout (Srivastava et al., JMLR 2014): m x / (1 - rate), each m 0 with this rate; x itself in evaluation mode.

    Args:
        rate: the share of values that is dropped.

    Raises:
        ValueError: the rate is not in [0, 1), where something is left.
    """

    def __init__(self, rate: float) -> None:
        if not 0 <= rate < 1:
            raise ValueError(f"dropout must be in [0, 1), got {rate}")
        super().__init__(1 - rate)

    def masked(self, input: Tensor, mask: Tensor) -> Tensor:
        return input * mask * (1 / self.probability)

    def expected(self, input: Tensor) -> Tensor:
        return input


class AID(RandomMask):
    """Activation by interval-wise dropout, in place of ReLU (Park, Han, Oh, Kim, ICML 2025, arXiv 2502.01342).

    A positive value passes with probability p, a negative one with probability 1 - p; in evaluation mode they are
    multiplied by these. With p = 1 it is ReLU, with p = 1/2 dropout on a linear network.

    Args:
        probability: p.

    Raises:
        ValueError: p is not in (0, 1].
    """

    def __init__(self, *, probability: float = 0.99) -> None:
        if not fraction("probability", probability):
            raise ValueError("probability must be above 0")
        super().__init__(probability)

    def masked(self, input: Tensor, mask: Tensor) -> Tensor:
        return interval_dropout(input, mask)

    def expected(self, input: Tensor) -> Tensor:
        return expected_interval_dropout(input, self.probability)
