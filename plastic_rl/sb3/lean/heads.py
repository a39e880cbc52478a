"""The meaning of an actor's outputs: a distribution over actions, without an object for it.

Each head draws the same random numbers as SB3's distribution, does the same arithmetic in the same order, and knows the
gradients of its log-probabilities and of its entropy.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Categorical, Normal

_LOG_SQRT_2PI = math.log(math.sqrt(2 * math.pi))
_ENTROPY_OF_UNIT = 0.5 + 0.5 * math.log(2 * math.pi)
_aten = torch.ops.aten


class Head(ABC):
    """A distribution over actions for each row of an actor's outputs."""

    @abstractmethod
    def draw(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """One action for each row, and its log-probability."""

    @abstractmethod
    def evaluate(self, outputs: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """The log-probability of each row's action and the entropies of the rows; remembered for `send_back`."""

    @abstractmethod
    def send_back(self, of_log_probs: Tensor, of_entropy: float, into: dict[Tensor, Tensor]) -> Tensor:
        """The gradient of the outputs; that of the head's own parameters is written.

        Args:
            of_log_probs: the gradient of each log-probability.
            of_entropy: the gradient of each row's entropy; 0 where there is no bonus.
            into: where gradients go, by parameter.
        """

    @abstractmethod
    def refuse(self, outputs: Tensor) -> None:
        """Raises torch's error where a distribution of such outputs would be refused.

        Raises:
            ValueError: outputs are no numbers.
        """


class CategoricalHead(Head):
    """The outputs are unnormalised log-probabilities of the actions."""

    def draw(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        log_probs = outputs - outputs.logsumexp(-1, keepdim=True)
        actions = self.first_to_ring(torch.softmax(log_probs, -1))
        return actions[:, 0], log_probs.gather(-1, actions)[:, 0]

    def first_to_ring(self, probs: Tensor) -> Tensor:
        """One draw for each row, as `torch.multinomial` makes it: the first of several exponential clocks to ring."""
        return torch.div(probs, self.rings(probs)).argmax(-1, keepdim=True)

    def rings(self, like: Tensor) -> Tensor:
        """Times at which clocks ring, of some shape."""
        return torch.empty_like(like).exponential_()

    def evaluate(self, outputs: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        self.outputs, self.log_sum = outputs, outputs.logsumexp(-1, keepdim=True)
        self.log_probs = outputs - self.log_sum
        self.probs = torch.softmax(self.log_probs, -1)
        self.actions = actions[:, None]
        entropies = -(self.log_probs * self.probs).sum(-1)
        return self.log_probs.gather(-1, self.actions)[:, 0], entropies

    def send_back(self, of_log_probs: Tensor, of_entropy: float, into: dict[Tensor, Tensor]) -> Tensor:
        gradient = torch.zeros_like(self.outputs)
        if of_entropy:
            of_products = torch.full_like(self.outputs, -of_entropy)
            gradient = _aten._softmax_backward_data(of_products * self.log_probs, self.probs, -1, torch.float32)
            gradient += of_products * self.probs
        gradient.scatter_add_(-1, self.actions, of_log_probs[:, None])
        of_log_sum = -gradient.sum(-1, keepdim=True)
        return gradient.add_(of_log_sum * (self.outputs - self.log_sum).exp_())

    def refuse(self, outputs: Tensor) -> None:
        Categorical(logits=outputs)


class GaussianHead(Head):
    """The outputs are the means of independent normal distributions, whose spread is a parameter.

    Args:
        policy: the actor-critic policy.
    """

    def __init__(self, policy: Any) -> None:
        self.policy = policy

    @property
    def log_std(self) -> Tensor:
        """The logarithm of the standard deviations."""
        return self.policy._parameters["log_std"]

    def draw(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        scale = self.log_std.exp()
        actions = outputs + self.noise(outputs) * scale
        return actions, self._log_probs(actions - outputs, scale)

    def noise(self, like: Tensor) -> Tensor:
        """Standard normal noise, of some shape."""
        return torch.empty_like(like).normal_()

    def evaluate(self, outputs: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        self.spread = self.log_std.exp()
        self.scale = torch.ones_like(outputs) * self.spread
        self.deviations = actions - outputs
        entropies = (_ENTROPY_OF_UNIT + torch.log(self.scale)).sum(1)
        return self._log_probs(self.deviations, self.scale), entropies

    def _log_probs(self, deviations: Tensor, scale: Tensor) -> Tensor:
        self.squares, self.twice_variance = -(deviations**2), 2 * scale**2
        log_probs = self.squares / self.twice_variance - scale.log() - _LOG_SQRT_2PI
        return log_probs.sum(1)

    def send_back(self, of_log_probs: Tensor, of_entropy: float, into: dict[Tensor, Tensor]) -> Tensor:
        each = of_log_probs[:, None].expand_as(self.deviations)
        of_scale = -each / self.scale
        if of_entropy:
            of_scale = of_entropy / self.scale + of_scale
        of_variance = 2 * (-each * ((self.squares / self.twice_variance) / self.twice_variance))
        of_scale = of_scale + of_variance * (2 * self.scale)
        self.write_of_spread(of_scale, into)
        return (each / self.twice_variance) * (2 * self.deviations)

    def write_of_spread(self, of_scale: Tensor, into: dict[Tensor, Tensor]) -> None:
        """Writes the gradient of the logarithm of the deviations, given that of the deviation of each row."""
        torch.mul(of_scale.sum(0), self.spread, out=into[self.log_std])

    def refuse(self, outputs: Tensor) -> None:
        Normal(outputs, torch.ones_like(outputs) * self.log_std.exp())
