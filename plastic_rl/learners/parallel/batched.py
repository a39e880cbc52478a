"""Backpropagation of several seeds at once, as one batched network."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from plastic_rl.diagnostics import report
from plastic_rl.layers import HiddenLayer
from plastic_rl.learners.backprop import (
    MOST_AT_ONCE,
    compiled,
    counted,
    forget_methods,
    kinds_of,
    meets_change,
    precision,
    renew,
    starts_over,
    watchable,
    weights_since,
)
from plastic_rl.learners.learner import Blueprint, Learner, head, take_over, zero
from plastic_rl.learners.losses import loss
from plastic_rl.learners.parallel.vmapped_linear import speed_up
from plastic_rl.optim import PlasticOptimizer, methods_in, seeded
from plastic_rl.optim.adam import with_unit_clock
from plastic_rl.optim.forgetting import forget_everything
from plastic_rl.optim.stacked.networks import StackedNetworks, Template
from plastic_rl.optim.stacked.seed_view import seed_view
from plastic_rl.optim.stacked.vectorized import Vectorized
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
        self.example = torch.zeros(2, *streams[0].shape, device=device)
        found = watchable(network, self.example)
        self.kinds = kinds_of(network, found, self.example)
        # Layers are found once: a copy of a network has a copy of its layers.
        networks, self.layers = zip(*(deepcopy((network, found)) for _ in self.seeds), strict=True)
        for each, seed in zip(networks, self.seeds, strict=True):
            take_over(each, blueprint.draw_network(seed))
        self.stacked = StackedNetworks(networks)
        # Methods give torch's Adam a clock for single units; here it must be the stacked optimiser's.
        self.optimizer = with_unit_clock(blueprint.optimizer(self.stacked.parameters.values()))
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.methods = self._methods()
        self._prepare(network, found)

    def _methods(self) -> list[list[PlasticOptimizer]]:
        """The methods of each seed's stack, the innermost first."""
        plasticity = self.blueprint.plasticity
        if plasticity is None:
            return []
        views = [seed_view(self.optimizer, self.stacked, place) for place in range(len(self.seeds))]
        return [
            stack(seeded(plasticity, seed)(view, layers))
            for view, layers, seed in zip(views, self.layers, self.seeds, strict=True)
        ]

    def _prepare(self, network: nn.Module, layers: list[HiddenLayer]) -> None:
        """Makes what runs for all seeds: a template, and the vectorised form of each method of the stack."""
        lenses: list[PlasticOptimizer] = []
        if self.blueprint.plasticity is not None:
            never_steps = self.blueprint.optimizer(network.parameters())
            lenses = stack(seeded(self.blueprint.plasticity, self.seeds[0])(never_steps, layers))
        speed_up(network)
        self.template = Template(network, self.stacked)
        self.forms = [
            form_of(lens)([methods[level] for methods in self.methods], self.stacked, self.template, lens)
            for level, lens in enumerate(lenses)
        ]
        self.observer = next((form for form in self.forms if form.observes), None)
        forward = torch.vmap(self._forward_one)
        self._forward: Any = compiled(forward) if self.blueprint.compiles else forward

    @property
    def networks(self) -> list[nn.Module]:
        return self.stacked.networks

    @property
    def optimizers(self) -> list[Optimizer]:
        return [self.methods[0][-1] if self.methods else self.optimizer]

    def begin(self, task: Task, plan: Plan) -> None:
        for network, seed in zip(self.networks, self.seeds, strict=True):
            renew(network, self.blueprint, seed, task)
            if plan.zeroes_head:
                zero(head(network))
        if plan.restarts_optimizer or starts_over(self.blueprint, task):
            forget_everything(self.optimizer)
        if starts_over(self.blueprint, task):
            for methods, seed in zip(self.methods, self.seeds, strict=bool(self.methods)):
                forget_methods(methods, self.example, self.blueprint, seed, task)
            for form in self.forms:
                form.after_load()
        for methods in self.methods if meets_change(self.blueprint, task) else ():
            methods[-1].begin_task()

    def set_learning_rate_factor(self, factor: float) -> None:
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor

    def update(self, inputs: Tensor, targets: Tensor, task: Task) -> Tensor:
        with precision(self.blueprint.precision, inputs.device):
            outputs = counted(self._run(inputs), task)
            error = loss(outputs, targets, self.is_regression).sum()
        self.optimizer.zero_grad()
        self._drive("after_zero_grad")
        error.backward()
        self._drive("before_step")
        self.optimizer.step()
        self._drive("after_step")
        return outputs.detach()

    def _run(self, inputs: Tensor) -> Tensor:
        if self.observer is None:
            return self._forward(inputs, *self.stacked.tensors)
        return self.observer.forward(inputs)

    @torch.no_grad()
    def _drive(self, moment: str) -> None:
        """Has every method of the stack do what it does at one of its three moments, in the order of a single run."""
        # Before the step the outermost is first; after it, and where gradients are added, the innermost.
        for form in reversed(self.forms) if moment == "before_step" else self.forms:
            getattr(form, moment)()

    def _forward_one(self, inputs: Tensor, *tensors: Tensor) -> Tensor:
        self.template.hold(tensors)
        outputs = self.template.network(inputs)
        self.template.let_go()
        return outputs

    @torch.no_grad()
    def predict(self, inputs: Tensor, task: Task) -> Tensor:
        outputs: list[Tensor] = []
        for network, inputs_of_seed in zip(self.networks, inputs, strict=True):
            network.eval()
            with precision(self.blueprint.precision, inputs.device):
                outputs.append(torch.cat([network(part) for part in inputs_of_seed.split(MOST_AT_ONCE)]))
            network.train()
        return counted(torch.stack(outputs), task)

    def diagnose(self, inputs: Tensor) -> list[dict[str, float]]:
        measured: list[dict[str, float]] = []
        for place, (network, layers) in enumerate(zip(self.networks, self.layers, strict=True)):
            if not layers:
                measured.append({})
                continue
            network.eval()
            found = report(layers, partial(network, inputs[place]), self.kinds)
            measured.append({**found, **weights_since(network, self.fresh_network(place))})
            network.train()
        return measured

    def fresh_network(self, place: int, *purpose: object) -> nn.Module:
        return self.blueprint.draw_network(self.seeds[place], *purpose).to(self.example.device)

    def metrics(self) -> list[dict[str, int | float]]:
        return [methods[-1].metrics() for methods in self.methods] or [{} for _ in self.seeds]

    def state_dict(self) -> dict[str, Any]:
        return {
            "networks": [network.state_dict() for network in self.networks],
            "optimizer": self.optimizer.state_dict(),
            "methods": [memories_of(methods) for methods in self.methods],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for network, saved in zip(self.networks, state["networks"], strict=True):
            network.load_state_dict(saved)
        self.optimizer.load_state_dict(state["optimizer"])
        for methods, memories in zip(self.methods, state["methods"], strict=True):
            for method in methods:
                # Until 0.1.0 there was one method, and its memory stood without a name.
                method.load_memory(memories.get(method.entry, memories))
        for form in self.forms:
            form.after_load()


def stack(optimizer: PlasticOptimizer) -> list[PlasticOptimizer]:
    """The methods of a stack of wrappers, the innermost first."""
    return list(methods_in(optimizer))[::-1]


def form_of(method: PlasticOptimizer) -> type[Vectorized]:
    """The form of a method for several networks in one.

    Raises:
        ValueError: it has none; :func:`plastic_rl.learners.backprop_learner` then has the seeds learn in turn.
    """
    if method.vectorized is None:
        raise ValueError(
            f"{type(method).__name__} has no form for several networks in one: let the seeds learn in turn"
        )
    return method.vectorized


def memories_of(methods: Sequence[PlasticOptimizer]) -> dict[str, Any]:
    """The memories of the methods of a stack, by name, without the state of the optimiser that they wrap."""
    state = methods[-1].state_dict()
    return {method.entry: state[method.entry] for method in methods}
