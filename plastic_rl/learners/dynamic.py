"""Dynamic networks on streams: all seeds side by side in one storage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from plastic_rl.learners.backprop import counted
from plastic_rl.learners.learner import Learner
from plastic_rl.nn.dynamic import DynamicNetwork, DynamicTrainer, Rules, UnitMaker
from plastic_rl.nn.dynamic.report import report
from plastic_rl.streams.draws import seed_for
from plastic_rl.streams.stream import Plan, Stream
from plastic_rl.streams.task import Task


@dataclass(frozen=True)
class DynamicBlueprint:
    """The recipe of a dynamic network and of its learning.

    Args:
        rules: of its structure.
        maker: of its units.
        levels: of units.
        slots: of each level, to begin with.
        nonlinearity: of units.
        training: more keywords of :class:`plastic_rl.nn.dynamic.DynamicTrainer`.
    """

    rules: Rules
    maker: UnitMaker
    levels: int = 1
    slots: int = 16
    nonlinearity: str = "tanh"
    training: dict[str, Any] = field(default_factory=dict[str, Any])

    def trainer(self, inputs: int, outputs: int, seeds: Sequence[int], device: torch.device | str) -> DynamicTrainer:
        """A fresh network for each seed, and what trains them."""
        sizes = {"levels": self.levels, "slots": self.slots, "copies": len(seeds)}
        network = DynamicNetwork(inputs, outputs, nonlinearity=self.nonlinearity, **sizes).to(device)
        draws = [seed_for(seed, "dynamic") for seed in seeds]
        return DynamicTrainer(network, self.rules, maker=self.maker, seeds=draws, **self.training)


class DynamicLearner(Learner):
    """Dynamic networks, one for each seed, that learn side by side; the same as single runs to rounding.

    Args:
        blueprint: how they are made.
        streams: what each seed learns from.
        device: where they live.

    Raises:
        ValueError: the plan carries the best weights over, which would leave units and weights of different moments.
    """

    def __init__(
        self, blueprint: DynamicBlueprint, streams: Sequence[Stream], *, device: torch.device | str = "cpu"
    ) -> None:
        if streams[0].plan.carries_best:
            raise ValueError(
                "this stream carries its best weights over, which a network whose units change does not offer"
            )
        self.seeds, self.is_regression = tuple(stream.seed for stream in streams), streams[0].is_regression
        inputs = torch.zeros(streams[0].shape).numel()
        self.trainer = blueprint.trainer(inputs, streams[0].outputs, self.seeds, device)
        self.rates = [group["lr"] for group in self.optimizers[0].param_groups]

    @property
    def networks(self) -> list[nn.Module]:
        network = self.trainer.network
        return [network.only(copy) for copy in range(network.copies)]

    @property
    def optimizers(self) -> list[Optimizer]:
        return [self.trainer.population.optimizer]

    def begin(self, task: Task, plan: Plan) -> None:
        if plan.zeroes_head:
            self.trainer.network.readout.data.zero_()
        if plan.restarts_optimizer:
            self.trainer.population.forget_steps()

    def set_learning_rate_factor(self, factor: float) -> None:
        for group, rate in zip(self.optimizers[0].param_groups, self.rates, strict=True):
            group["lr"] = rate * factor

    def update(self, inputs: Tensor, targets: Tensor, task: Task) -> Tensor:
        errors = regression_errors if self.is_regression else partial(class_errors, task=task)
        return counted(self.trainer.update(inputs.flatten(2), partial(errors, targets)), task)

    @torch.no_grad()
    def predict(self, inputs: Tensor, task: Task) -> Tensor:
        return counted(self.trainer.network(inputs.flatten(2)), task)

    def diagnose(self, inputs: Tensor) -> list[dict[str, float]]:
        """Nothing: the size of the network, and what becomes of its units, are among the metrics."""
        return [{} for _ in self.seeds]

    def metrics(self) -> list[dict[str, int | float]]:
        return report(self.trainer)

    def state_dict(self) -> dict[str, Any]:
        return {"trainer": self.trainer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.trainer.load_state_dict(state["trainer"])


def regression_errors(targets: Tensor, outputs: Tensor) -> Tensor:
    """Minus the gradient of half the squared error."""
    return targets - outputs


def class_errors(targets: Tensor, outputs: Tensor, *, task: Task) -> Tensor:
    """Minus the gradient of the cross-entropy: 1 for the right class, less the probabilities; 0 elsewhere."""
    errors, of_task = torch.zeros_like(outputs), counted(outputs, task)
    chances = functional.softmax(of_task, -1)
    errors[..., task.outputs] = functional.one_hot(targets.long(), chances.shape[-1]) - chances
    return errors
