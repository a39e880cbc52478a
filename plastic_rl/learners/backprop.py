"""Backpropagation of one network, plain or with a plasticity method around its optimiser."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from plastic_rl.choices import Precision, Renewal
from plastic_rl.diagnostics import Kind, activation_kinds, distance, norm, report
from plastic_rl.layers import HiddenLayer, replaceable_layers
from plastic_rl.layers.proof import undisturbed
from plastic_rl.learners.learner import Blueprint, Learner, head, take_over, zero
from plastic_rl.learners.losses import loss
from plastic_rl.optim import PlasticOptimizer, methods_in, seeded
from plastic_rl.optim.forgetting import forget_everything
from plastic_rl.streams.draws import seed_for
from plastic_rl.streams.stream import Plan, Stream
from plastic_rl.streams.task import Task

logger = logging.getLogger(__name__)

# As many inputs as a network is asked about at once.
MOST_AT_ONCE = 1000


class Backprop(Learner):
    """One network that learns by backpropagation.

    Args:
        blueprint: how it is made.
        stream: what it is to learn from.
        seed: of its weights and of its method's draws.
        device: where it lives.
    """

    def __init__(self, blueprint: Blueprint, stream: Stream, *, seed: int, device: torch.device | str = "cpu") -> None:
        self.blueprint, self.seeds, self.is_regression = blueprint, (seed,), stream.is_regression
        self.network = blueprint.draw_network(seed).to(device)
        self.example = torch.zeros(2, *stream.shape, device=device)
        self.layers = watchable(self.network, self.example)
        self.kinds = kinds_of(self.network, self.layers, self.example)
        self.optimizer = blueprint.optimizer(self.network.parameters())
        if blueprint.plasticity is not None:
            self.optimizer = seeded(blueprint.plasticity, seed)(self.optimizer, self.layers)
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.forward: Any = compiled(self.network) if blueprint.compiles else self.network

    @property
    def networks(self) -> list[nn.Module]:
        return [self.network]

    @property
    def optimizers(self) -> list[Optimizer]:
        return [self.optimizer]

    def begin(self, task: Task, plan: Plan) -> None:
        renew(self.network, self.blueprint, self.seeds[0], task)
        if plan.zeroes_head:
            zero(head(self.network))
        if plan.restarts_optimizer or starts_over(self.blueprint, task):
            forget_everything(self.optimizer)
        if starts_over(self.blueprint, task):
            forget_methods(list(methods_in(self.optimizer)), self.example, self.blueprint, self.seeds[0], task)
        if meets_change(self.blueprint, task) and isinstance(self.optimizer, PlasticOptimizer):
            self.optimizer.begin_task()

    def set_learning_rate_factor(self, factor: float) -> None:
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor

    def update(self, inputs: Tensor, targets: Tensor, task: Task) -> Tensor:
        with precision(self.blueprint.precision, inputs.device):
            outputs = counted(self.forward(inputs[0]), task)
            error = loss(outputs, targets[0], self.is_regression)
        self.descend(error)
        # The replay of a CUDA graph writes over what the last one returned.
        return (outputs.detach().clone() if self.blueprint.compiles else outputs.detach())[None]

    def descend(self, error: Tensor) -> None:
        """One step of the optimiser down the gradient of a number."""
        self.optimizer.zero_grad()
        error.backward()
        self.optimizer.step()

    @torch.no_grad()
    def predict(self, inputs: Tensor, task: Task) -> Tensor:
        self.network.eval()
        with precision(self.blueprint.precision, inputs.device):
            outputs = torch.cat([self.network(part) for part in inputs[0].split(MOST_AT_ONCE)])
        self.network.train()
        return counted(outputs, task)[None]

    def diagnose(self, inputs: Tensor) -> list[dict[str, float]]:
        if not self.layers:
            return [{}]
        self.network.eval()
        measured = report(self.layers, lambda: self.network(inputs[0]), self.kinds)
        self.network.train()
        return [{**measured, **weights_since(self.network, self.fresh_network(0))}]

    def fresh_network(self, place: int, *purpose: object) -> nn.Module:
        return self.blueprint.draw_network(self.seeds[place], *purpose).to(self.example.device)

    def metrics(self) -> list[dict[str, int | float]]:
        return [self.optimizer.metrics() if isinstance(self.optimizer, PlasticOptimizer) else {}]

    def state_dict(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])


def counted(outputs: Tensor, task: Task) -> Tensor:
    """The outputs that count in a task."""
    is_whole = task.outputs == slice(0, outputs.shape[-1])
    return outputs if is_whole else outputs[..., task.outputs]


def precision(kind: Precision, device: torch.device) -> AbstractContextManager[Any]:
    """A context in which a network computes in numbers of this kind."""
    return torch.autocast(device.type, torch.bfloat16) if kind is Precision.bfloat16 else nullcontext()


def compiled(function: Any) -> Any:
    """A network or function, compiled; on CUDA replayed as graphs, so that no launch waits for Python."""
    return torch.compile(function, mode="reduce-overhead" if torch.cuda.is_available() else None)


def watchable(network: nn.Module, example: Tensor) -> list[HiddenLayer]:
    """The hidden layers whose units can be replaced; the others are named in the log and left alone."""
    layers, refused = replaceable_layers(network, example)
    if refused:
        logger.info(
            "Units of the layers %s are neither watched nor replaced: %s.", list(refused), set(refused.values())
        )
    return layers


def kinds_of(network: nn.Module, layers: Sequence[HiddenLayer], example: Tensor) -> dict[str, Kind]:
    """The kinds of activation in a network, before any method watches it."""
    with undisturbed(network):
        return activation_kinds(layers, lambda: network(example)) if layers else {}


def weights_since(network: nn.Module, first: nn.Module) -> dict[str, float]:
    """The norm of all weights of a network, and their distance from the first ones; no distance once it has grown."""
    now, then = list(network.parameters()), list(first.parameters())
    size = {"weights/norm": norm(now).item()}
    if [each.shape for each in now] != [each.shape for each in then]:
        return size
    return {**size, "weights/distance": distance(now, then).item()}


def meets_change(blueprint: Blueprint, task: Task) -> bool:
    """True if a network meets a task with what it has learned from others: neither the first, nor drawn afresh."""
    return task.index > 0 and not starts_over(blueprint, task)


def starts_over(blueprint: Blueprint, task: Task) -> bool:
    """True if a learner begins a task from scratch; the first finds it so."""
    return task.index > 0 and blueprint.renewal is Renewal.network


@torch.no_grad()
def forget_methods(
    methods: Sequence[PlasticOptimizer], example: Tensor, blueprint: Blueprint, seed: int, task: Task
) -> None:
    """Gives the methods around a network that was drawn afresh the memory of those around a new one.

    Args:
        methods: of one stack.
        example: inputs of the network, on its device.
        blueprint: how the learner is made.
        seed: of the learner.
        task: that begins.
    """
    if blueprint.plasticity is None:
        return
    network = blueprint.draw_network(seed, task.index).to(example.device)
    plasticity = seeded(blueprint.plasticity, seed_for(seed, "method", task.index))
    with torch.enable_grad():
        fresh = plasticity(blueprint.optimizer(network.parameters()), watchable(network, example))
    memories = fresh.state_dict()
    for method in methods:
        method.load_memory(memories[method.entry])


def renew(network: nn.Module, blueprint: Blueprint, seed: int, task: Task) -> None:
    """Draws afresh what a learner wants to have forgotten when a task begins; the first finds it fresh."""
    if task.index == 0 or blueprint.renewal is Renewal.nothing:
        return
    fresh = blueprint.draw_network(seed, task.index)
    if blueprint.renewal is Renewal.network:
        take_over(network, fresh)
    else:
        take_over(head(network), head(fresh))
