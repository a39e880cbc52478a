"""The heads of `heads.py` in fewer operations: their numbers to rounding, and the same random draws."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from plastic_rl.sb3.lean.heads import CategoricalHead, GaussianHead

_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)


class QuickCategoricalHead(CategoricalHead):
    """The outputs are unnormalised log-probabilities of the actions."""

    def draw(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        log_probs = torch.log_softmax(outputs, 1)
        actions = self.first_to_ring(log_probs.exp())
        return actions[:, 0], log_probs.gather(1, actions)[:, 0]

    def evaluate(self, outputs: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        self.log_probs = torch.log_softmax(outputs, 1)
        self.probs, self.actions = self.log_probs.exp(), actions[:, None]
        self.entropies = -(self.log_probs * self.probs).sum(1)
        return self.log_probs.gather(1, self.actions)[:, 0], self.entropies

    def send_back(self, of_log_probs: Tensor, of_entropy: float, into: dict[Tensor, Tensor]) -> Tensor:
        shares = -of_log_probs[:, None]
        if of_entropy:
            shares = shares - of_entropy * (self.log_probs + self.entropies[:, None])
        return (self.probs * shares).scatter_add_(1, self.actions, of_log_probs[:, None])


class QuickGaussianHead(GaussianHead):
    """The outputs are the means of independent normal distributions, whose spread is a parameter."""

    def draw(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        log_std, noise = self.log_std, self.noise(outputs)
        actions = torch.addcmul(outputs, noise, log_std.exp())
        return actions, self._of_squares((noise * noise).sum(1), log_std)

    def evaluate(self, outputs: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        log_std = self.log_std
        self.sharpness = torch.exp(-log_std)
        self.deviations = (actions - outputs).mul_(self.sharpness)
        self.squares = self.deviations * self.deviations
        entropy = log_std.sum() + log_std.numel() * (0.5 + _LOG_SQRT_2PI)
        return self._of_squares(self.squares.sum(1), log_std), entropy.expand(outputs.shape[0])

    def _of_squares(self, squares: Tensor, log_std: Tensor) -> Tensor:
        constant = -log_std.sum() - log_std.numel() * _LOG_SQRT_2PI
        return torch.add(constant, squares, alpha=-0.5)

    def send_back(self, of_log_probs: Tensor, of_entropy: float, into: dict[Tensor, Tensor]) -> Tensor:
        each = of_log_probs[:, None]
        of_log_std = torch.mm(each.t(), self.squares)[0] - of_log_probs.sum()
        into[self.log_std].copy_(of_log_std.add_(of_entropy * each.shape[0]))
        return self.deviations.mul_(each).mul_(self.sharpness)
