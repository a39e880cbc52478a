"""The rules by which the parameters of networks that lie side by side are changed after each example."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float, Int
from torch import Tensor

from experiments.online.network import Networks
from plastic_rl.optim.step_sizes import Rule, RuleMemory

BETAS = (0.9, 0.999)
EPSILON = 1e-8


class Trainer(ABC):
    """Changes some of the parameters after each example, and forgets what it knew of units that are replaced."""

    @abstractmethod
    def learn(self, networks: Networks, errors: Float[Tensor, " seeds"]) -> None:
        """One step.

        Args:
            networks: which have just predicted.
            errors: target less prediction.
        """

    @abstractmethod
    def forget(self, networks: Networks, rows: Int[Tensor, "k 1"], units: Int[Tensor, "k count"]) -> None:
        """Starts anew for some units of each seed: with their incoming and outgoing weights."""


class SGD(Trainer):
    """Gradient descent on the squared error.

    Args:
        rate: the step size.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def learn(self, networks: Networks, errors: Tensor) -> None:
        networks.differentiate(-2 * errors)
        networks.values.add_(networks.slopes, alpha=-self.rate)

    def forget(self, networks: Networks, rows: Tensor, units: Tensor) -> None:
        pass  # it remembers nothing


class Adam(Trainer):
    """Adam on the squared error; with a clock for each parameter, which starts anew with its unit.

    Args:
        rate: the step size.
        weight_decay: added to the gradient, times the parameters.
        hidden_alone: change the hidden layer only.
    """

    def __init__(self, rate: float, *, weight_decay: float = 0.0, hidden_alone: bool = False) -> None:
        self.rate, self.weight_decay, self.hidden_alone = rate, weight_decay, hidden_alone
        self.mean, self.square = torch.empty(0), torch.empty(0)
        self.gathered: tuple[Tensor, Tensor] | None = None  # 1 - β^t of each parameter, once clocks differ
        self.step = 0

    def learn(self, networks: Networks, errors: Tensor) -> None:
        networks.differentiate(-2 * errors)
        slopes, values = self._part(networks, networks.slopes), self._part(networks, networks.values)
        if not self.step:
            self.mean, self.square = torch.zeros_like(slopes), torch.zeros_like(slopes)
        self.step += 1
        if self.weight_decay:
            slopes.add_(values, alpha=self.weight_decay)
        self.mean.lerp_(slopes, 1 - BETAS[0])
        self.square.mul_(BETAS[1]).addcmul_(slopes, slopes, value=1 - BETAS[1])
        self._move(values)

    def _move(self, values: Tensor) -> None:
        if self.gathered is None:
            roots = (self.square / (1 - BETAS[1] ** self.step)).sqrt_().add_(EPSILON)
            values.addcdiv_(self.mean, roots, value=-self.rate / (1 - BETAS[0] ** self.step))
            return
        for gathered, beta in zip(self.gathered, BETAS, strict=True):
            gathered.mul_(beta).add_(1 - beta)
        roots = (self.square / self.gathered[1]).sqrt_().add_(EPSILON)
        values.addcdiv_(self.mean / self.gathered[0], roots, value=-self.rate)

    def forget(self, networks: Networks, rows: Tensor, units: Tensor) -> None:
        if self.gathered is None:
            first, second = (torch.full_like(self.mean, 1 - beta**self.step) for beta in BETAS)
            self.gathered = (first, second)
        for state in (self.mean, self.square, *self.gathered):
            whole = state if state.shape == networks.values.shape else torch.zeros_like(networks.values)
            whole[:, : state.shape[1]] = state
            weight, bias, head, _ = networks.layout.views(whole)
            weight[rows, units], bias[rows, units], head[rows, units] = 0.0, 0.0, 0.0
            state.copy_(whole[:, : state.shape[1]])

    def _part(self, networks: Networks, rows: Tensor) -> Tensor:
        return rows[:, : networks.layout.hidden] if self.hidden_alone else rows


class LearnedSteps(Trainer):
    """The output by a rule that learns a step size for each weight (:mod:`plastic_rl.optim.step_sizes`).

    Args:
        rule: by which it is trained.
        rate: the step size of each weight to begin with.
    """

    def __init__(self, rule: Rule, rate: float) -> None:
        self.rule, self.rate = rule, rate
        self.memory: RuleMemory | None = None

    def learn(self, networks: Networks, errors: Tensor) -> None:
        weights = [networks.head, networks.offset]
        if self.memory is None:
            self.memory = self.rule.begin(weights, errors)
        slopes = [networks.hidden, torch.ones_like(errors)]
        changes = self.rule.changes(self.memory, slopes, errors, [self.rate, self.rate])
        torch._foreach_add_(weights, changes)  # pyright: ignore[reportPrivateImportUsage]

    def forget(self, networks: Networks, rows: Tensor, units: Tensor) -> None:
        assert self.memory is not None
        for tensors in self.memory.weights.values():
            tensors[0][rows, units] = 0.0
