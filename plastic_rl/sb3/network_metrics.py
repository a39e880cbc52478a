"""The state of a model's networks and the counters of its methods, as named numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import RolloutBuffer

from plastic_rl.diagnostics import report
from plastic_rl.layers import HiddenLayer, Resizing
from plastic_rl.layers.proof import undisturbed
from plastic_rl.optim import PlasticOptimizer
from plastic_rl.sb3.attachment import network_of, shared_out, survey
from plastic_rl.sb3.example import inputs_of
from plastic_rl.sb3.optimizer_slots import OptimizerSlot, optimizer_slots
from plastic_rl.sb3.save_observations import collected_observations


class NetworkMetrics:
    """Measures the networks of a model on what it has collected; nothing of the training changes, no draw either.

    Where a policy has several optimisers of layers, names end in theirs: ``rank/effective/actor``,
    ``cbp/replaced/critic.qf0.0``.

    Args:
        model: the model, as it is now; layers are found here.
        samples: how many observations to look at, at equal distances in time; None for a whole rollout.
    """

    def __init__(self, model: BaseAlgorithm, samples: int | None = None) -> None:
        self.model: Any = model
        self.samples = samples
        self.slots = optimizer_slots(model.policy, model)
        self._find()
        for slot in self.slots:
            if isinstance(slot.optimizer, PlasticOptimizer):
                slot.optimizer.on_resizing(self._follow)

    def _find(self) -> None:
        found = survey(self.slots, getattr(self.model, "ignore", ()))
        self.layers = [layers for _, layers in shared_out(self.slots, found)]

    def _follow(self, change: Resizing) -> None:
        for layer in (layer for layers in self.layers for layer in layers):
            change.follow(layer)

    def measure(self) -> dict[str, int | float]:
        """Dormant and dead units, ranks, weight magnitude (:func:`plastic_rl.diagnostics.report`), and counters."""
        if not all(layer.is_current for layers in self.layers for layer in layers):  # resized without a method
            self._find()
        numbers: dict[str, int | float] = {}
        for label, slot, layers in zip(self._labels(), self.slots, self.layers, strict=True):
            measured: dict[str, int | float] = {**self._report(slot, layers)}
            if isinstance(slot.optimizer, PlasticOptimizer):
                measured |= slot.optimizer.metrics()
            numbers |= {labelled(name, label): value for name, value in measured.items()}
        return numbers

    def _labels(self) -> Iterator[str]:
        """The name of each optimiser: that of the module that it trains, or its own where one module has several."""
        pairs = zip(self.slots, self.layers, strict=True)
        owners = [slot.owner for slot, layers in pairs if layers or isinstance(slot.optimizer, PlasticOptimizer)]
        names = {module: name for name, module in self.model.policy.named_modules()}
        for slot in self.slots:
            alone = owners.count(slot.owner) <= 1
            yield "" if len(self.slots) == 1 else names[slot.owner] if alone else str(slot.places[0][1])

    def _report(self, slot: OptimizerSlot, layers: list[HiddenLayer]) -> dict[str, float]:
        if not layers:
            return {}
        buffer = getattr(self.model, "rollout_buffer", None)
        if buffer is not None and not hasattr(self.model, "_last_lstm_states"):
            observations, actions = self._rollout(buffer)
            return report(layers, lambda: slot.owner.evaluate_actions(observations, actions))
        return self._report_on(network_of(slot), layers)

    def _rollout(self, buffer: RolloutBuffer) -> tuple[Any, torch.Tensor]:
        """The observations and actions of a rollout of all copies, where the policy is."""
        observations, actions = (self._flat(values, buffer) for values in (buffer.observations, buffer.actions))
        is_discrete = isinstance(self.model.action_space, spaces.Discrete)
        return observations, actions.flatten() if is_discrete else actions

    def _flat(self, values: Any, buffer: RolloutBuffer) -> Any:
        if isinstance(values, dict):
            return {name: self._flat(each, buffer) for name, each in values.items()}
        # Whoever learned from a rollout has flattened it.
        rows = values if buffer.generator_ready else buffer.swap_and_flatten(values)
        return torch.as_tensor(rows[self._chosen(len(rows))], device=self.model.device)

    def _chosen(self, count: int) -> Any:
        if self.samples is None or count <= self.samples:
            return slice(None)
        return np.linspace(0, count - 1, self.samples).astype(int)

    def _report_on(self, network: Any, layers: list[HiddenLayer]) -> dict[str, float]:
        """Reports on a network's own forward pass, in evaluation mode, with draws that leave no trace."""
        observations = collected_observations(self.model, self.samples)
        with undisturbed(network), torch.no_grad():
            inputs = inputs_of(network, self._rows(observations), self._rows(self._actions()))
            return report(layers, lambda: network(*inputs))

    def _rows(self, values: Any) -> Any:
        if isinstance(values, dict):
            return {name: self._rows(each) for name, each in values.items()}
        return values[self._chosen(len(values))]

    def _actions(self) -> Any:
        replay = getattr(self.model, "replay_buffer", None)
        actions = self.model.rollout_buffer.actions if replay is None else replay.actions[: replay.size()]
        return actions.reshape(-1, actions.shape[-1])


def labelled(name: str, label: str) -> str:
    """The name of a quantity, in all ("rank/effective") or of a layer, with the optimiser's name in it."""
    parts = name.split("/", 2)
    return name if not label else "/".join([*parts[:2], ".".join([label, *parts[2:]])])
