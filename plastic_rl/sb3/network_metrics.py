"""The state of a model's networks and the counters of its methods, as named numbers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import RolloutBuffer

from plastic_rl.diagnostics import Kind, activation_kinds, report
from plastic_rl.layers import HiddenLayer, Resizing
from plastic_rl.layers.proof import undisturbed
from plastic_rl.optim import PlasticOptimizer
from plastic_rl.optim.watching import paused_hooks
from plastic_rl.sb3.attachment import network_of, shared_out, survey
from plastic_rl.sb3.example import example, inputs_of
from plastic_rl.sb3.optimizer_slots import OptimizerSlot, optimizer_slots
from plastic_rl.sb3.save_observations import collected_observations

FEWEST = 32
"""With fewer observations than these of a task, those of the whole rollout say more."""


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
        self.kinds = dict[str, Kind]()
        for slot, layers in zip(self.slots, self.layers, strict=True):
            self.kinds |= kinds_of(network_of(slot), layers) if layers else {}

    def _follow(self, change: Resizing) -> None:
        for layer in (layer for layers in self.layers for layer in layers):
            change.follow(layer)

    def measure(self, *, thorough: bool = False, before: int | None = None) -> dict[str, int | float]:
        """Units, ranks and weight magnitude (:func:`plastic_rl.diagnostics.report`), and counters.

        Args:
            thorough: as of the report.
            before: look at the first so many steps of a rollout alone, if that is enough of them; None for all.
        """
        if not all(layer.is_current for layers in self.layers for layer in layers):  # resized without a method
            self._find()
        numbers: dict[str, int | float] = {}
        self.report, self.before = partial(report, kinds=self.kinds, thorough=thorough), before
        for label, slot, layers in zip(self._labels(), self.slots, self.layers, strict=True):
            numbers |= {labelled(name, label): value for name, value in self._report(slot, layers).items()}
        return numbers | self.counters()

    def counters(self) -> dict[str, int | float]:
        """The counters of the methods."""
        numbers: dict[str, int | float] = {}
        for label, slot in zip(self._labels(), self.slots, strict=True):
            counted = slot.optimizer.metrics() if isinstance(slot.optimizer, PlasticOptimizer) else {}
            numbers |= {labelled(name, label): value for name, value in counted.items()}
        return numbers

    def rollout(self, before: int | None = None, samples: int | None = None) -> tuple[Any, torch.Tensor]:
        """Observations and actions of the rollout that has just ended, where the policy is.

        Args:
            before: the first so many steps alone, if that is enough of them; None for all.
            samples: at most so many, at equal distances in time; None for all.
        """
        buffer = self.model.rollout_buffer
        enough = before is not None and before * buffer.n_envs >= FEWEST
        return self._rollout(buffer, before if enough else None, samples)

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
            observations, actions = self.rollout(self.before, self.samples)
            return self.report(layers, lambda: slot.owner.evaluate_actions(observations, actions))
        return self._report_on(network_of(slot), layers)

    def _rollout(self, buffer: RolloutBuffer, before: int | None, samples: int | None) -> tuple[Any, torch.Tensor]:
        """The observations and actions of a rollout of all copies, where the policy is."""

        def flat(values: Any) -> Any:
            if isinstance(values, dict):
                return {name: flat(each) for name, each in values.items()}
            # Whoever learned from a rollout has flattened it.
            rows = values if buffer.generator_ready else buffer.swap_and_flatten(values[:before])
            return torch.as_tensor(rows[chosen(len(rows), samples)], device=self.model.device)

        observations, actions = flat(buffer.observations), flat(buffer.actions)
        is_discrete = isinstance(self.model.action_space, spaces.Discrete)
        return observations, actions.flatten() if is_discrete else actions

    def _report_on(self, network: Any, layers: list[HiddenLayer]) -> dict[str, float]:
        """Reports on a network's own forward pass, in evaluation mode, with draws that leave no trace."""
        observations = collected_observations(self.model, self.samples)
        with undisturbed(network), torch.no_grad():
            inputs = inputs_of(network, self._rows(observations), self._rows(self._actions()))
            return self.report(layers, lambda: network(*inputs))

    def _rows(self, values: Any) -> Any:
        if isinstance(values, dict):
            return {name: self._rows(each) for name, each in values.items()}
        return values[chosen(len(values), self.samples)]

    def _actions(self) -> Any:
        replay = getattr(self.model, "replay_buffer", None)
        actions = self.model.rollout_buffer.actions if replay is None else replay.actions[: replay.size()]
        return actions.reshape(-1, actions.shape[-1])


def chosen(count: int, samples: int | None) -> Any:
    """The places of so many samples among all, at equal distances."""
    if samples is None or count <= samples:
        return slice(None)
    return np.linspace(0, count - 1, samples).astype(int)


def kinds_of(network: Any, layers: list[HiddenLayer]) -> dict[str, Kind]:
    """The kinds of activation of a network's layers; no method takes note of the pass that finds them."""
    inputs = example(network)
    with undisturbed(network), paused_hooks():
        return activation_kinds(layers, lambda: network(*inputs))


def labelled(name: str, label: str) -> str:
    """The name of a quantity, in all ("rank/effective") or of a layer, with the optimiser's name in it."""
    parts = name.split("/", 2)
    return name if not label else "/".join([*parts[:2], ".".join([label, *parts[2:]])])
