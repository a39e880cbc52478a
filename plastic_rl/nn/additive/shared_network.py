"""A network that many tasks share: it has the weights of one of them, and one learns."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn

from plastic_rl.nn.additive.capacity import Capacity, measured
from plastic_rl.nn.additive.exact import ExactLayer
from plastic_rl.nn.additive.layer import DecomposedLayer
from plastic_rl.nn.additive.network_copy import NetworkCopy
from plastic_rl.nn.additive.private_parts import PrivateParts, decomposed_weights
from plastic_rl.nn.additive.reference import ReferenceLayer
from plastic_rl.nn.additive.settings import DecompositionSettings
from plastic_rl.nn.additive.task_names import TaskName


class SharedNetwork:
    """A network with the weights of the active task, and what is stored of all tasks.

    The task that was last trained is the one that *learns*; its weights are in the network, or aside while another task
    is active. The others' are in the layers and in ``private``.

    Args:
        network: any module, already on its device.
        settings: the hyper-parameters.
        heads: names of modules and parameters that belong to a task alone; None for the last layer registered.
        first_task: the name of the task that is learnt first.

    Raises:
        ValueError: for a head that does not exist, or no weight to decompose.
    """

    def __init__(
        self, network: nn.Module, settings: DecompositionSettings, heads: Collection[str] | None, first_task: TaskName
    ) -> None:
        self.network, self.settings, self.is_reference = network, settings, settings.reference
        weights = decomposed_weights(network, heads)
        kind = ReferenceLayer if self.is_reference else ExactLayer
        self.layers: list[DecomposedLayer] = [kind(name, weight, settings) for name, weight in weights.items()]
        self.parts = PrivateParts(network, weights.values())
        self.initial = self.parts.capture()
        self.private: dict[TaskName, dict[str, Tensor]] = {}
        self.active: TaskName = first_task
        self.learner: TaskName | None = None
        self.period = 0  # counts the times that learning went from one task to another
        self._aside: NetworkCopy | None = None  # the network of the task that learns, during a visit to another

    # Learning; called by the optimiser.

    @torch.no_grad()
    def learn(self) -> None:
        """Makes the active task the one that learns, instead of the one that has learnt so far."""
        self.check_network()
        self.close()
        self.learner = self.active
        for layer in self.layers:
            layer.open(self.active)

    @torch.no_grad()
    def close(self) -> None:
        """Stores what the learning task has learnt, and pays old tasks back what σ has moved. No task learns now."""
        if self.learner is None:
            return
        learnt = self._aside or self._captured()
        for layer, weight in zip(self.layers, learnt.weights, strict=True):
            layer.close(weight)
        self.private[self.learner] = learnt.private
        if self.active == self.learner:  # σ may have taken over a weight but for a bit, or but for the tolerance
            self._show_start(self.active)
        self._end_period()

    def check_network(self) -> None:
        """Refuses a network whose parameters are no longer those that were decomposed.

        Raises:
            RuntimeError: a module or a parameter was added, removed or replaced.
        """
        known = {layer.name: layer.weight for layer in self.layers} | self.parts.tensors
        now = dict(self.network.named_parameters())  # each tensor once, under one of its names
        was_there, is_there = {id(tensor) for tensor in known.values()}, {id(tensor) for tensor in now.values()}
        new = [name for name, tensor in now.items() if id(tensor) not in was_there]
        gone = [name for name, each in known.items() if isinstance(each, nn.Parameter) and id(each) not in is_there]
        if new or gone:
            names = ", ".join(dict.fromkeys([*new, *gone]))
            raise RuntimeError(
                f"the network has changed since it was decomposed: {names}. What its tasks remember is of the "
                "parameters that were there: change a network before it is decomposed, or write new values into the "
                "parameters that it has"
            )

    # Tasks come, are shown and go.

    @torch.no_grad()
    def _begin(self, name: TaskName, like: TaskName | None) -> None:
        for layer in self.layers:
            layer.add(name, like)
        self.private[name] = dict(self.initial if like is None else self.private[like])
        if self.active != name or self.is_reference:
            self._show_start(name)
        self.active = self.learner = name

    @torch.no_grad()
    def _switch(self, name: TaskName) -> None:
        if name == self.active:
            return
        self.check_network()
        if self.active == self.learner:
            self._aside = self._captured()
        self.active = name
        if name == self.learner and self._aside is not None:
            self._aside.show(self.layers, self.parts)
            self._aside = None
        else:
            self._show([layer.theta(name) for layer in self.layers], name)

    @torch.no_grad()
    def _drop(self, name: TaskName) -> None:
        if name == self.learner:
            self._end_period()
        for layer in self.layers:
            layer.drop(name)
        del self.private[name]

    def _end_period(self) -> None:
        self.learner, self._aside = None, None
        self.period += 1

    def _captured(self) -> NetworkCopy:
        return NetworkCopy.of(self.layers, self.parts)

    def _show_start(self, name: TaskName) -> None:
        """Shows the weights from which a task goes on learning."""
        self._show([layer.starting_theta(name) for layer in self.layers], name)

    def _show(self, weights: list[Tensor], name: TaskName) -> None:
        NetworkCopy(weights, self.private[name]).show(self.layers, self.parts)

    # Size and state.

    @torch.no_grad()
    def capacity(self) -> Capacity:
        """The numbers and bytes that are kept (:class:`plastic_rl.nn.additive.capacity.Capacity`)."""
        closed = {name: private for name, private in self.private.items() if name != self.learner}
        live = [layer.weight for layer in self.layers] if self._aside is None else self._aside.weights
        return measured(self.layers, live, closed, list(self.initial.values()))

    def state_dict(self) -> dict[str, Any]:
        """A state to go on from exactly, but for the network's own: tensors and plain values only."""
        return {
            "names": list(self.private),
            "private": list(self.private.values()),
            "initial": self.initial,
            "active": self.active,
            "learner": self.learner,
            "period": self.period,
            "aside": None if self._aside is None else self._aside.state_list(),
            "layers": {layer.name: layer.state_dict() for layer in self.layers},
        }

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state; the network's parameters, which are the active task's, are loaded by themselves.

        Raises:
            ValueError: if the state is of a network with other decomposed weights.
        """
        names, saved = [layer.name for layer in self.layers], list(state["layers"])
        if names != saved:
            raise ValueError(f"the saved tasks are of weights {saved}, this network decomposes {names}")
        self.private = dict(zip(state["names"], map(self.parts.placed, state["private"]), strict=True))
        self.initial = self.parts.placed(state["initial"])
        self.active, self.learner, self.period = state["active"], state["learner"], int(state["period"])
        aside = state["aside"]
        self._aside = None if aside is None else NetworkCopy.from_state_list(aside, self.layers, self.parts)
        for layer in self.layers:
            layer.load_state_dict(state["layers"][layer.name])
