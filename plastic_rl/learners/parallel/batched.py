"""Backpropagation of several seeds at once, as one batched network."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from plastic_rl.diagnostics import report
from plastic_rl.layers import HiddenLayer
from plastic_rl.learners.backprop import MOST_AT_ONCE, compiled, counted, forget_state, precision, renew, watchable
from plastic_rl.learners.learner import Blueprint, Learner, Renewal, head, take_over, zero
from plastic_rl.learners.losses import loss
from plastic_rl.learners.parallel.observing import Observatory
from plastic_rl.learners.parallel.stacked import OneSeed, Stacked, Template
from plastic_rl.learners.parallel.vmapped_linear import quicken
from plastic_rl.optim import ContinualBackprop, PlasticOptimizer
from plastic_rl.optim.adam import with_unit_clock
from plastic_rl.streams.stream import Plan, Stream
from plastic_rl.streams.task import Task


class BatchedBackprop(Learner):
    """Independent networks that learn side by side: the forward pass is vectorised over seeds, and so is the optimiser.

    Each seed has its own weights, data, and method; the same as single runs to rounding.

    Args:
        blueprint: how each network is made.
        streams: what each seed learns from.
        device: where everything lives.
    """

    def __init__(self, blueprint: Blueprint, streams: Sequence[Stream], *, device: torch.device | str = "cpu") -> None:
        self.blueprint, self.is_regression = blueprint, streams[0].is_regression
        self.seeds = tuple(stream.seed for stream in streams)
        network = blueprint.draw_network(self.seeds[0]).to(device)
        found = watchable(network, torch.zeros(2, *streams[0].shape, device=device))
        # Layers are found once: a copy of a network has a copy of its layers.
        networks, self.layers = zip(*(deepcopy((network, found)) for _ in self.seeds), strict=True)
        for own, seed in zip(networks, self.seeds, strict=True):
            take_over(own, blueprint.draw_network(seed))
        self.stacked = Stacked(networks)
        # Methods give torch's Adam a clock for single units; here it must be the stacked optimiser's.
        self.optimizer = with_unit_clock(blueprint.optimizer(self.stacked.parameters.values()))
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.methods = self._methods()
        self._prepare(network, found)

    def _methods(self) -> list[PlasticOptimizer]:
        wrap = self.blueprint.plasticity
        if wrap is None:
            return []
        views = [OneSeed(self.optimizer, self.stacked, place) for place in range(len(self.seeds))]
        return [wrap(view, own, seed) for view, own, seed in zip(views, self.layers, self.seeds, strict=True)]

    def _prepare(self, network: nn.Module, layers: list[HiddenLayer]) -> None:
        """Makes what runs for all seeds: a template, and what watches its layers where a method needs that."""
        methods = [method for method in self.methods if isinstance(method, ContinualBackprop)]
        lens: Any = None
        if methods and self.blueprint.plasticity is not None:
            never_steps = torch.optim.SGD(network.parameters(), lr=0.0)
            lens = self.blueprint.plasticity(never_steps, layers, self.seeds[0])
        quicken(network)
        self.template = Template(network, self.stacked)
        self.observatory = Observatory(self.stacked, self.template, methods, lens) if methods else None
        forward = torch.vmap(self._forward_one)
        self._forward: Any = compiled(forward) if self.blueprint.compiles else forward

    @property
    def networks(self) -> list[nn.Module]:
        return self.stacked.networks

    def begin(self, task: Task, plan: Plan) -> None:
        for network, seed in zip(self.networks, self.seeds, strict=True):
            renew(network, self.blueprint, seed, task)
            if plan.zeroes_head:
                zero(head(network))
        if plan.restarts_optimizer or (task.index > 0 and self.blueprint.renewal is Renewal.network):
            forget_state(self.optimizer)

    def set_learning_rate_factor(self, factor: float) -> None:
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor

    def update(self, inputs: Tensor, targets: Tensor, task: Task) -> Tensor:
        with precision(self.blueprint.precision, inputs.device):
            outputs = counted(self._hear(inputs), task)
            error = loss(outputs, targets, self.is_regression).sum()
        self.optimizer.zero_grad()
        error.backward()
        self.optimizer.step()
        with torch.no_grad():
            self._after_step()
        return outputs.detach()

    def _hear(self, inputs: Tensor) -> Tensor:
        if self.observatory is None:
            return self._forward(inputs, *self.stacked.tensors)
        return self.observatory.forward(inputs)

    def _after_step(self) -> None:
        if self.observatory is not None:
            self.observatory.after_step()
        else:
            for method in self.methods:
                method.after_step()

    def _forward_one(self, inputs: Tensor, *tensors: Tensor) -> Tensor:
        self.template.hold(tensors)
        outputs = self.template.network(inputs)
        self.template.let_go()
        return outputs

    @torch.no_grad()
    def predict(self, inputs: Tensor, task: Task) -> Tensor:
        said: list[Tensor] = []
        for network, own in zip(self.networks, inputs, strict=True):
            network.eval()
            with precision(self.blueprint.precision, inputs.device):
                said.append(torch.cat([network(part) for part in own.split(MOST_AT_ONCE)]))
            network.train()
        return counted(torch.stack(said), task)

    def diagnose(self, inputs: Tensor) -> list[dict[str, float]]:
        measured: list[dict[str, float]] = []
        for network, layers, own in zip(self.networks, self.layers, inputs, strict=True):
            network.eval()
            measured.append(report(layers, lambda network=network, own=own: network(own)) if layers else {})
            network.train()
        return measured

    def metrics(self) -> list[dict[str, int | float]]:
        return [method.metrics() for method in self.methods] or [{} for _ in self.seeds]

    def state_dict(self) -> dict[str, Any]:
        return {
            "networks": [network.state_dict() for network in self.networks],
            "optimizer": self.optimizer.state_dict(),
            "methods": [memory_of(method) for method in self.methods],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for network, saved in zip(self.networks, state["networks"], strict=True):
            network.load_state_dict(saved)
        self.optimizer.load_state_dict(state["optimizer"])
        for method, memory in zip(self.methods, state["methods"], strict=True):
            method.remember(memory)
        if self.observatory is not None:
            self.observatory.listen()


def memory_of(method: PlasticOptimizer) -> dict[str, Any]:
    """What a method remembers by itself, without the state of the optimiser that it wraps."""
    return method.state_dict()[type(method).__name__]
