"""The optimiser of a decomposed network: it divides each step between what is shared and what is the task's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer
from plastic_rl.layers.port import fill
from plastic_rl.nn.additive.decomposition import AdditiveDecomposition
from plastic_rl.nn.additive.layer import DecomposedLayer
from plastic_rl.optim import PlasticOptimizer
from plastic_rl.optim.events import UnitsReplaced
from plastic_rl.optim.forgetting import forget_parameters


class AdditiveOptimizer(PlasticOptimizer):
    """Lets the active task of a decomposition learn: after each step weights shrink towards what the tasks share.

    The wrapped optimiser moves the network's own parameters, whatever optimiser it is; what it moves them by is then
    divided (:mod:`plastic_rl.nn.additive.algebra`). Shrinkage is no gradient: clipping, scaling and moments never see
    it. While there is one task only, it is bit for bit the wrapped optimiser.

    When learning goes from one task to another, the wrapped optimiser's state of the network is dropped: moments belong
    to a task. Continual backprop goes *inside*::

        AdditiveOptimizer(ContinualBackprop(optimizer, layers), decomposition=tasks)

    The units that it replaces are replaced in what is shared, and old tasks keep what they had there.

    Args:
        optimizer: what moves the parameters.
        layers: not looked at; the decomposition knows its own.
        decomposition: the tasks of the network.

    Raises:
        ValueError: if the optimiser does not train a decomposed weight.
    """

    def __init__(
        self, optimizer: Optimizer, layers: Sequence[HiddenLayer] = (), *, decomposition: AdditiveDecomposition
    ) -> None:
        super().__init__(optimizer)
        trained = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
        strangers = [layer.name for layer in decomposition.layers if id(layer.weight) not in trained]
        if strangers:
            raise ValueError(f"the optimiser does not train the decomposed weights {strangers}; name them as heads")
        self.decomposition, self.period = decomposition, decomposition.period
        self.replaced: list[UnitsReplaced] = []
        self.on_replacement(self._note)

    def _note(self, event: UnitsReplaced) -> None:
        self.replaced.append(event)

    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """One step of the wrapped optimiser, divided; returns the closure's loss."""
        if self.decomposition.learner != self.decomposition.active:
            self.decomposition.learn()
        self._forget_finished_period()
        if not self.decomposition.is_reference:
            return self._step_within(closure)
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self._step_beside()
        return loss

    @torch.no_grad()
    def _step_within(self, closure: Callable[[], float] | None) -> Any:
        for layer in self.decomposition.layers:
            layer.before_step()
        self.replaced.clear()
        loss = self.optimizer.step(closure)
        for event in self.replaced:
            self.adopt(event.layer, event.units)
        self.after_step()
        return loss

    @torch.no_grad()
    def _step_beside(self) -> None:
        """A step of the wrapped optimiser on the private parameters alone; the others have an Adam of their own."""
        gradients = [layer.weight.grad for layer in self.decomposition.layers]
        for layer in self.decomposition.layers:
            layer.weight.grad = None
        self.optimizer.step()
        for layer, gradient in zip(self.decomposition.layers, gradients, strict=True):
            layer.weight.grad = gradient
        self.after_step()

    def after_step(self) -> None:
        rates = self._rates()
        for layer in self.decomposition.layers:
            if layer.weight.grad is not None:
                layer.after_step(rates[layer.weight])

    def _rates(self) -> dict[Tensor, float]:
        """The learning rate of each parameter now: schedulers and Stable-Baselines3 write it into the groups."""
        return {weight: float(group["lr"]) for group in self.param_groups for weight in group["params"]}

    # Tasks.

    def _forget_finished_period(self) -> None:
        """Drops the moments of a task that has ceased to learn."""
        if self.period == self.decomposition.period:
            return
        forget_parameters(self.optimizer, self.decomposition.network.parameters())
        self.period = self.decomposition.period

    # Units that are replaced.

    @torch.no_grad()
    def adopt(self, hidden: HiddenLayer, units: Tensor) -> None:
        """Makes the present weights of hidden units the shared ones; every other task keeps the weights that it has.

        For whoever replaces units by other means than a method inside.

        Args:
            hidden: the layer of the units.
            units: which of its units were replaced, as indices.
        """
        layers: dict[Tensor, DecomposedLayer] = {layer.weight: layer for layer in self.decomposition.layers}
        for weight, where in rewritten(hidden, units, layers).items():
            layers[weight].adopt(where)

    # State and metrics.

    def metrics(self) -> dict[str, int | float]:
        """Tasks so far, and the capacity in percent of the plain network, by the paper's definition."""
        capacity = self.decomposition.capacity()
        mine = {"apd/tasks": capacity.tasks, "apd/capacity": capacity.percent, "apd/own": capacity.own}
        return {**super().metrics(), **mine}

    def state_dict(self) -> dict[str, Any]:
        self._forget_finished_period()
        self.memory = self.decomposition.state_dict()
        state = super().state_dict()
        self.memory = {}
        return state

    def load_memory(self, memory: dict[str, Any]) -> None:
        self.decomposition.load_state_dict(memory)
        self.period = self.decomposition.period


def rewritten(hidden: HiddenLayer, units: Tensor, layers: dict[Tensor, DecomposedLayer]) -> dict[Tensor, Tensor]:
    """For each decomposed weight where a replacement of hidden units has written: their rows and their columns."""
    where: dict[Tensor, Tensor] = {}
    ends = [(port.parameter, port.row_axis, port.positions(units)) for port in hidden.produced_by]
    ends += [(port.parameter, port.column_axis, port.columns(units)) for port in hidden.read_by]
    for weight, axis, index in ends:
        if weight in layers:
            fill(where.setdefault(weight, torch.zeros_like(weight, dtype=torch.bool)), axis, index, 1.0)
    return where
