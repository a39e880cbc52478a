"""Local training on streams: each block by a loss of its own, with a readout on top."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from plastic_rl.diagnostics import report
from plastic_rl.learners.backprop import MOST_AT_ONCE, counted, watchable
from plastic_rl.learners.learner import Learner, zero
from plastic_rl.nn.local import LocalHSIC, OneHot, Standardized
from plastic_rl.nn.local.predictors import Prediction, Ridge
from plastic_rl.nn.local.readouts import SoftmaxReadout
from plastic_rl.nn.local.trainer import ADAM, OptimizerFactory, ReadoutFactory
from plastic_rl.optim import Plasticity, PlasticOptimizer, seeded
from plastic_rl.optim.forgetting import forget_everything
from plastic_rl.streams.draws import seed_for
from plastic_rl.streams.stream import Plan, Stream
from plastic_rl.streams.task import Task


@dataclass(frozen=True)
class LocalBlueprint:
    """The recipe of a learner with local losses.

    Args:
        network: makes a sequence of blocks without an output layer, drawing weights from torch's global generator.
        optimizer: makes an optimiser of parameters; each block has one, unless there is a plasticity method.
        estimator: the blocks' objective (:mod:`plastic_rl.nn.local.choices`); None for the default of the targets.
        readout: "ridge", "assignment", "class_means", "softmax", or a class of readout.
        plasticity: a method around the one optimiser that all blocks then share; None for none.
        format_epochs: the last passes over each task in which the blocks stand still and only the readout learns; it
            does not learn in the others then ("format training"). 0 for both at once.
        settings: of the estimator.
    """

    network: Callable[[], nn.Module]
    optimizer: OptimizerFactory = ADAM
    estimator: str | None = None
    readout: str | ReadoutFactory = "ridge"
    plasticity: Plasticity | None = None
    format_epochs: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def draw(self, stream: Stream, seed: int, device: torch.device | str) -> LocalHSIC:
        """A fresh trainer whose weights are a function of a seed; global generators stay as they are."""
        method = None if self.plasticity is None else seeded(self.plasticity, seed)
        encoder = Standardized(stream.outputs) if stream.is_regression else OneHot(stream.outputs)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_for(seed, "network"))
            return LocalHSIC(
                self.network().to(device),
                torch.zeros(1, *stream.shape, device=device),
                target_encoder=encoder,
                estimator=self.estimator,
                readout=self.readout,
                optimizer=self.optimizer,
                plasticity=method,
                **self.settings,
            )


class LocalLearner(Learner):
    """One network whose blocks are trained by local losses, and a readout that says what they make of an input.

    What it says of a minibatch before it learns from it, it says in evaluation mode. Only a task's own outputs count in
    what it says; blocks and readout are told that the other tasks' are wrong. Nothing is drawn afresh when a task
    begins; of the plan's wishes the optimisers' restart is met. The head can be set to zero where it is trained by
    gradients ("softmax"): a closed-form readout is what its statistics make of it, and follows the task by itself.

    Args:
        blueprint: how it is made.
        stream: what it is to learn from.
        seed: of its weights and of its method's draws.
        device: where it lives.

    Raises:
        ValueError: for minibatches of one where samples are compared with each other, or format training that leaves
            no pass for the blocks or has a plasticity method.
    """

    def __init__(
        self, blueprint: LocalBlueprint, stream: Stream, *, seed: int, device: torch.device | str = "cpu"
    ) -> None:
        self.seeds, self.is_regression = (seed,), stream.is_regression
        self.trainer = blueprint.draw(stream, seed, device)
        self.least_batch = 1 if takes_single_samples(self.trainer) else 2
        self.trunk_epochs = stream.plan.epochs - blueprint.format_epochs if blueprint.format_epochs else math.inf
        _check(blueprint, stream.plan, self.least_batch)
        self.layers = watchable(self.trainer, torch.zeros(2, *stream.shape, device=device))
        self.rates = [[group["lr"] for group in each.param_groups] for each in self.trainer.optimizers]
        self.examples_of_task = 0

    @property
    def networks(self) -> list[nn.Module]:
        """The part that predicts: the blocks and the readout, without what trains them."""
        assert self.trainer.readout is not None
        return [nn.ModuleList([self.trainer.trunk, self.trainer.readout])]

    @property
    def optimizers(self) -> Sequence[Optimizer]:
        return self.trainer.optimizers

    def begin(self, task: Task, plan: Plan) -> None:
        self.examples_of_task = 0
        if plan.zeroes_head and isinstance(self.trainer.readout, SoftmaxReadout):
            zero(self.trainer.readout.linear)
        if plan.restarts_optimizer:
            for optimizer in self.trainer.optimizers:
                forget_everything(optimizer)
        for optimizer in self.trainer.optimizers if task.index > 0 else ():
            if isinstance(optimizer, PlasticOptimizer):
                optimizer.begin_task()

    def set_learning_rate_factor(self, factor: float) -> None:
        for optimizer, rates in zip(self.trainer.optimizers, self.rates, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor

    def update(self, inputs: Tensor, targets: Tensor, task: Task) -> Tensor:
        outputs = self.predict(inputs, task)
        if inputs.shape[1] >= self.least_batch:  # else the left-over of a pass, which is not learned from
            self._learn(inputs[0], targets[0], task)
        self.examples_of_task += inputs.shape[1]
        return outputs

    def _learn(self, inputs: Tensor, targets: Tensor, task: Task) -> None:
        is_formatting = self.examples_of_task >= self.trunk_epochs * len(task.train)
        reads = is_formatting or math.isinf(self.trunk_epochs)
        whole = targets if self.is_regression else targets + (task.outputs.start or 0)
        self.trainer.update(inputs, whole, trunk=not is_formatting, readout=reads)

    @torch.no_grad()
    def predict(self, inputs: Tensor, task: Task) -> Tensor:
        self.trainer.eval()
        columns = torch.cat([self.trainer(part) for part in inputs[0].split(MOST_AT_ONCE)])
        self.trainer.train()
        return counted(self.trainer.encoder.decode(columns) if self.is_regression else columns, task)[None]

    def diagnose(self, inputs: Tensor) -> list[dict[str, float]]:
        self.trainer.eval()
        measured = report(self.layers, lambda: self.trainer(inputs[0])) if self.layers else {}
        self.trainer.train()
        return [measured]

    def metrics(self) -> list[dict[str, int | float]]:
        counts: dict[str, int | float] = dict(self.trainer.metrics())
        for optimizer in self.trainer.optimizers:
            counts.update(optimizer.metrics() if isinstance(optimizer, PlasticOptimizer) else {})
        return [counts]

    def state_dict(self) -> dict[str, Any]:
        return {
            "trainer": self.trainer.state_dict(),
            "losses": list(self.trainer.losses),  # for the metrics of a task that ends before the next update
            "examples_of_task": self.examples_of_task,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.trainer.load_state_dict(state["trainer"])
        self.trainer.losses = list(state["losses"])
        self.examples_of_task = int(state["examples_of_task"])


def takes_single_samples(trainer: LocalHSIC) -> bool:
    """True if a trainer can learn from one sample: nothing in it compares, or normalises over, those of a minibatch."""
    alone = all(isinstance(objective, Ridge | Prediction) for objective in trainer.objectives)
    return alone and not any(isinstance(module, _BatchNorm) for module in trainer.modules())


def _check(blueprint: LocalBlueprint, plan: Plan, least_batch: int) -> None:
    if plan.batch_size < least_batch:
        raise ValueError(
            f"minibatches of {plan.batch_size} are too small for what compares samples with each other: take more, or "
            "layer normalisation and the ridge or prediction objective"
        )
    if not 0 <= blueprint.format_epochs < plan.epochs:
        raise ValueError(
            f"format_epochs must be below the {plan.epochs} epochs of a task, got {blueprint.format_epochs}"
        )
    if blueprint.format_epochs and blueprint.plasticity is not None:
        raise ValueError("format training leaves the blocks alone; it does not go with a method that replaces units")
