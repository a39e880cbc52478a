"""Learners whose last layer has a step size for each weight, learned from slopes and errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import Optimizer

from plastic_rl.learners.backprop import Backprop, counted, kinds_of, watchable
from plastic_rl.learners.learner import Blueprint, head
from plastic_rl.optim.step_sizes import SlopeOptimizer
from plastic_rl.streams.stream import Stream
from plastic_rl.streams.task import Task


class SlopeLearner(Backprop):
    """A network whose head learns its step sizes; hidden layers, if there are any, descend half the squared error.

    Classes are regressed on: the target of an output is 1 for the right class, else 0, and the largest output decides.

    Args:
        blueprint: how the network is made, and the optimiser of its hidden layers.
        rule: makes the optimiser of the head.
        stream: what it is to learn from, an example at a time.
        seed: of its weights.
        device: where it lives.
        everywhere: let the rule move hidden layers, too, by the slopes of the one output.

    Raises:
        ValueError: the stream has larger minibatches, or more than one output that hidden layers would be moved by.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        rule: Callable[[Iterable[Tensor]], SlopeOptimizer],
        stream: Stream,
        *,
        seed: int,
        device: torch.device | str = "cpu",
        everywhere: bool = False,
    ) -> None:
        _check(stream, everywhere)
        self.blueprint, self.seeds, self.is_regression = blueprint, (seed,), stream.is_regression
        self.network = blueprint.draw_network(seed).to(device)
        self.example = torch.zeros(2, *stream.shape, device=device)
        self.layers, self.head, self.everywhere = watchable(self.network, self.example), head(self.network), everywhere
        self.kinds = kinds_of(self.network, self.layers, self.example)
        of_head = {id(each) for each in self.head.parameters()}
        hidden = [each for each in self.network.parameters() if id(each) not in of_head]
        self.optimizer: SlopeOptimizer = rule(self.network.parameters() if everywhere else self.head.parameters())
        self.hidden: Optimizer | None = blueprint.optimizer(hidden) if hidden and not everywhere else None
        self._features: list[Tensor] = []
        self.head.register_forward_pre_hook(lambda _, inputs: self._features.__setitem__(slice(None), inputs))
        self.all_rates = [(group, group["lr"]) for each in self._optimizers for group in each.param_groups]

    @property
    def _optimizers(self) -> list[Optimizer]:
        return [self.optimizer] if self.hidden is None else [self.optimizer, self.hidden]

    def set_learning_rate_factor(self, factor: float) -> None:
        for group, rate in self.all_rates:
            group["lr"] = rate * factor

    def update(self, inputs: Tensor, targets: Tensor, task: Task) -> Tensor:
        with torch.set_grad_enabled(self.everywhere or self.hidden is not None):
            outputs = self.network(inputs[0])
        said = counted(outputs.detach(), task)
        errors = torch.zeros_like(outputs[0])
        errors[task.outputs] = self._wanted(targets[0], said)[0] - said[0]
        self._differentiate(outputs, errors)
        self.optimizer.observe(errors)
        self.optimizer.step()
        if self.hidden is not None:
            self.hidden.step()
        return said[None]

    def _wanted(self, targets: Tensor, outputs: Tensor) -> Tensor:
        return targets if self.is_regression else functional.one_hot(targets, outputs.shape[-1]).to(outputs)

    def _differentiate(self, outputs: Tensor, errors: Tensor) -> None:
        """Leaves slopes where the rule looks for them, and the gradient of half the squared error in hidden layers."""
        self.optimizer.zero_grad()
        if self.everywhere:
            outputs.sum().backward()
            return
        if self.hidden is not None:
            self.hidden.zero_grad()
            outputs.backward(-errors[None])
        weight, bias = self.head.weight, self.head.bias
        weight.grad = self._features[0].detach().expand_as(weight)
        if bias is not None:
            bias.grad = torch.ones_like(bias)

    def metrics(self) -> list[dict[str, int | float]]:
        """The step sizes of the head's weights: the largest, and the one in the middle."""
        place = [id(each) for group in self.optimizer.param_groups for each in group["params"]].index(
            id(self.head.weight)
        )
        sizes = self.optimizer.step_sizes()[place]
        return [{"step_size/largest": float(sizes.max()), "step_size/median": float(sizes.median())}]

    def state_dict(self) -> dict[str, Any]:
        hidden = {} if self.hidden is None else {"hidden": self.hidden.state_dict()}
        return {**super().state_dict(), **hidden}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        if self.hidden is not None:
            self.hidden.load_state_dict(state["hidden"])


def _check(stream: Stream, everywhere: bool) -> None:
    if stream.plan.batch_size != 1:
        raise ValueError(
            f"step sizes are learned from one example at a time, and minibatches have {stream.plan.batch_size}\n"
            "Take env.batch_size=1"
        )
    if everywhere and stream.outputs > 1:
        raise ValueError(
            f"agent.everywhere=true needs a stream with one output, and this one has {stream.outputs}\n"
            "Hidden weights have a slope for each output: take agent.everywhere=false, or a linear network"
        )
