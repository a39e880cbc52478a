"""All instruments of a run in Stable-Baselines3, each as often as its cost allows; the training stays the same."""

from __future__ import annotations

import math
import operator
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import Tensor

from plastic_rl.diagnostics import distance, effective_learning_rate, norm
from plastic_rl.layers import HiddenLayer
from plastic_rl.sb3.alarms import Alarms
from plastic_rl.sb3.gradient_watch import GradientWatch
from plastic_rl.sb3.network_metrics import NetworkMetrics
from plastic_rl.sb3.policy_snapshot import Rows, Snapshot, moved, snapshot

# Rollouts from one measurement of the networks, and of an update, to the next: together they take less than 1 % of a
# run of PPO (`benchmarks/instruments.py`).
NETWORKS_EVERY, UPDATES_EVERY = 25, 10

# The rows on which a policy is asked before and after an update.
ROWS = 256


KEPT = ("latest", "said", "best", "matrix")
"""The parts of a memory that a checkpoint holds."""


@dataclass
class Memory:
    """The numbers that a run's instruments remember from one rollout to the next.

    Args:
        latest: the latest value of each number that is not measured at each rollout.
        said: the alarms that were raised.
        best: the return of the best model of the present task, and the index of the task.
        matrix: the returns on all tasks so far, for each task that has ended.
        first: the initial weights, which no checkpoint holds: a run that goes on draws them again.
        share: of the time of the training that the instruments took; None before its end.
    """

    latest: dict[str, float] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=dict)
    matrix: dict[str, list[Any]] = field(default_factory=dict)
    first: list[Tensor] = field(default_factory=list)
    share: float | None = None

    def state_dict(self) -> dict[str, Any]:
        """The parts that cannot be drawn again."""
        return {name: deepcopy(getattr(self, name)) for name in KEPT}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from a saved state."""
        for name in KEPT:
            setattr(self, name, deepcopy(state.get(name, getattr(self, name))))


class TaskEnd(NamedTuple):
    """The end of a task.

    Args:
        task: its index.
        steps: of the rollout in which it ended that belong to it.
    """

    task: int
    steps: int


class Instruments:
    """Measures a model's networks, its policy, its weights and its gradients.

    Args:
        model: set up; layers are found here.
        memory: that of its run.
        samples: how many observations the networks are measured on at most; None for a whole rollout.

    Attributes:
        seconds: the time that the instruments took.
    """

    clock = staticmethod(time.perf_counter)

    def __init__(self, model: BaseAlgorithm, memory: Memory, samples: int | None = None) -> None:
        self.began = self.clock()
        self.model: Any = model
        self.memory = memory
        self.seconds = 0.0
        with self._timed():
            self.networks, self.gradients = NetworkMetrics(model, samples), GradientWatch(model)
            self.memory.first = self.memory.first or copies(self.gradients.parameters)
            first_norm = norm(self.memory.first).item() if self.memory.first and self.knows_first else None
            self.alarms = Alarms(most_entropy(model.action_space), first_norm, memory.said)
        self.pending: tuple[Rows, Snapshot] | None = None
        self.before: list[Tensor] = []

    @property
    def layers(self) -> list[HiddenLayer]:
        """The hidden layers that the model has now."""
        return [layer for layers in self.networks.layers for layer in layers]

    @property
    def asks_policy(self) -> bool:
        """True if the policy has distributions and values that can be asked for without a memory."""
        is_known = isinstance(self.model, OnPolicyAlgorithm) and isinstance(self.model.policy, ActorCriticPolicy)
        return is_known and not hasattr(self.model, "_last_lstm_states")

    @property
    def knows_first(self) -> bool:
        """True if the network has the shapes of its initial weights still."""
        return are_alike(self.memory.first, GradientWatch(self.model).parameters)

    def not_measured(self) -> list[str]:
        """The numbers that these instruments do not give, in words."""
        missing = [] if self.asks_policy else ["entropy, divergence, logits and churn of the policy"]
        return missing if self.knows_first else [*missing, "the distance from the initial weights"]

    def counters(self) -> dict[str, int | float]:
        """The counters of the methods."""
        with self._timed():
            return self.networks.counters()

    def state(self, *, before: int | None = None, thorough: bool = False) -> dict[str, int | float]:
        """Networks, policy and weights at the end of a rollout, with the observations that were collected.

        Args:
            before: look at the first so many steps of the rollout alone; None for all.
            thorough: with all ranks and duplicates.
        """
        with self._timed():
            numbers = self.networks.measure(thorough=thorough, before=before)
            if self.asks_policy:
                numbers |= snapshot(self.model.policy, self.layers, self._rows(before)).numbers()
            return {**numbers, **self._of_weights()}

    def arm(self) -> None:
        """Has the update that follows this rollout measured."""
        with self._timed():
            self.gradients.disarm()
            self.gradients = GradientWatch(self.model)  # a network may have grown
            self.gradients.arm()
            self.before = copies(self.gradients.parameters)
            if self.asks_policy:
                rows = self._rows(None)
                self.pending = rows, snapshot(self.model.policy, self.layers, rows)

    def after_update(self) -> dict[str, float]:
        """The doings of the update that was armed for; empty if there was none."""
        if not self.before:
            return {}
        with self._timed():
            numbers = {**self.gradients.numbers(), **self._of_update()}
            if self.pending is not None:
                rows, before = self.pending
                numbers |= moved(before, snapshot(self.model.policy, self.layers, rows), self._clip_range())
                numbers |= before.numbers()
            self.gradients.disarm()
            self.pending, self.before = None, []
            self.memory.latest |= {name: value for name, value in numbers.items() if is_of_a_side(name)}
            return numbers

    def cost(self) -> str:
        """The time that the instruments took of all since they were made, in words and in the memory."""
        total = self.clock() - self.began
        self.memory.share = self.seconds / total
        return f"The instruments took {self.seconds:.2f} of {total:.1f} s, {self.memory.share:.2%} of the run."

    def _of_weights(self) -> dict[str, float]:
        watch = GradientWatch(self.model)
        knows_first = are_alike(self.memory.first, watch.parameters)
        first = dict(zip(watch.parameters, self.memory.first, strict=True)) if knows_first else {}
        numbers: dict[str, float] = {}
        for label, weights in watch.sides():
            numbers[f"weights/norm{label}"] = norm(weights).item()
            if first:
                numbers[f"weights/distance{label}"] = distance(weights, [first[each] for each in weights]).item()
        return numbers

    def _of_update(self) -> dict[str, float]:
        watch = GradientWatch(self.model)
        armed = self.gradients.parameters
        is_same = len(armed) == len(watch.parameters) and all(map(operator.is_, armed, watch.parameters))
        if not is_same or not are_alike(armed, self.before):
            return {}  # a network that has grown in the update has not moved by any distance
        before = dict(zip(armed, self.before, strict=True))
        numbers: dict[str, float] = {}
        for label, weights in watch.sides():
            then = [before[each] for each in weights]
            numbers[f"weights/update{label}"] = distance(weights, then).item()
            numbers[f"weights/effective_rate{label}"] = effective_learning_rate(weights, then).item()
        return numbers

    def _rows(self, before: int | None) -> Rows:
        observations, actions = self.networks.rollout(before, ROWS)
        return Rows(observations, actions)

    def _clip_range(self) -> float | None:
        clip_range = getattr(self.model, "clip_range", None)
        return None if clip_range is None else float(clip_range(self.model._current_progress_remaining))

    @contextmanager
    def _timed(self) -> Iterator[None]:
        began = self.clock()
        try:
            yield
        finally:
            self.seconds += self.clock() - began


def ends(instruments: Instruments, ended: Sequence[TaskEnd]) -> Iterator[dict[str, int | float]]:
    """For each task that ended in the rollout at hand a line of all instruments, under names that begin with `end/`.

    The policy is still the one that the task has left, and the observations are the task's own where there are enough.
    What is measured of updates is that of the last one that was.

    Args:
        instruments: of the run.
        ended: the tasks, in turn.
    """
    for task, steps in ended:
        numbers = {**instruments.memory.latest, **instruments.state(before=steps, thorough=True)}
        yield {"end/task": task, **{f"end/{name}": value for name, value in numbers.items()}}


def is_of_a_side(name: str) -> bool:
    """True for a number over all layers, or over those of actor or critic; false for one of a layer."""
    return name.count("/") == 1 or name.endswith(("/actor", "/critic", "/shared"))


def copies(weights: Sequence[Tensor]) -> list[Tensor]:
    """Copies of tensors, apart from any graph."""
    return [each.detach().clone() for each in weights]


def most_entropy(space: spaces.Space[Any]) -> float | None:
    """The largest entropy of a distribution over actions, in nats; None where there is no bound."""
    if isinstance(space, spaces.Discrete):
        return math.log(space.n)
    return float(np.log(space.nvec).sum()) if isinstance(space, spaces.MultiDiscrete) else None


def trained_weights(model: BaseAlgorithm) -> list[Tensor]:
    """Copies of the weights that a model trains, in the order in which its instruments have them."""
    return copies(GradientWatch(model).parameters)


def are_alike(tensors: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    """True for tensors of the same shapes."""
    return [each.shape for each in tensors] == [each.shape for each in others]
