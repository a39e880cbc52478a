"""Changes that nobody announces, for methods that act at changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from torch.optim import Optimizer

from plastic_rl.optim import PlasticOptimizer, methods_in
from plastic_rl.regimes import ChangeDetector
from plastic_rl.sb3.optimizer_slots import optimizer_slots
from plastic_rl.sb3.watched_world import Step, WatchedWorld, described, sizes_of


class ChangeDetection(PlasticOptimizer):
    """Keeps a detector of changes where all else of a model travels: in its optimiser's state.

    Args:
        optimizer: the model's, with all its methods.
        detector: of changes.
    """

    follows_resizing = True

    def __init__(self, optimizer: Optimizer, *, detector: ChangeDetector) -> None:
        super().__init__(optimizer)
        self.detector, self.memory = detector, {"told": 0}

    def news(self) -> bool:
        """True if the world has changed since this was asked last."""
        before, self.memory["told"] = self.memory["told"], self.detector.changes
        return self.memory["told"] != before

    def metrics(self) -> dict[str, int | float]:
        """The number of changes that have been noticed so far."""
        return {**super().metrics(), "changes/detected": self.detector.changes}

    def state_dict(self) -> dict[str, Any]:
        saved = super().state_dict()
        return {**saved, self.entry: {**self.memory, "detector": self.detector.state_dict()}}

    def load_memory(self, memory: dict[str, Any]) -> None:
        self.memory["told"] = memory["told"]
        self.detector.load_state_dict(memory["detector"])


class RolloutWatch:
    """Shows a detector of changes the steps of a model's environment, a rollout at once.

    Args:
        model: whose environment it is.
        detector: of changes.
    """

    def __init__(self, model: BaseAlgorithm, detector: ChangeDetector) -> None:
        self.detector, self.action_space, self.world = detector, model.action_space, WatchedWorld(model)
        self.kept: list[Step] = []

    def keep(self, rollout: Mapping[str, Any]) -> None:
        """Takes note of a step.

        Args:
            rollout: the local variables of SB3's collection of rollouts.
        """
        self.kept.append(self.world.step(rollout))

    def show(self) -> None:
        """Shows the detector all steps that were kept."""
        if self.kept:
            before, actions, after, rewards, ended = (np.stack(each) for each in zip(*self.kept, strict=True))
            self.kept = []
            self.detector.observe(*described((before, actions, after, rewards, ended), self.action_space), ended)


def detect_changes(model: BaseAlgorithm, **settings: Any) -> ChangeDetector:
    """Has a model's methods follow up on changes that nobody announces; ``info["task"]`` is then not read.

    ::

        model = plastic(PPO)("MlpPolicy", env, plasticity=FIRE)
        detect_changes(model)
        model.learn(1_000_000, callback=ChangeAnnouncements())

    A world that comes back is a change too. What is known of the present one travels in the optimiser's state.

    Args:
        model: its observations are vectors, and its policy has one optimiser (PPO, A2C), with a method that acts at
            changes.
        **settings: of :class:`plastic_rl.regimes.ChangeDetector`.

    Returns:
        The detector, which :class:`plastic_rl.sb3.ChangeAnnouncements` will ask.

    Raises:
        ValueError: no method of the model acts at changes, it has several optimisers, its observations are no vectors,
            or a setting is out of range.
    """
    optimizers = [slot.optimizer for slot in optimizer_slots(model.policy, model)]
    if len(optimizers) != 1:
        kind = type(model).__name__
        raise ValueError(
            f"changes are detected for a model with one optimiser, such as PPO; {kind} has {len(optimizers)}"
        )
    if not any(method.acts_at_changes for method in methods_in(optimizers[0])):
        raise ValueError("no method of this model acts at changes: to detect them would change nothing")
    detector = ChangeDetector(*sizes_of(model), **settings)
    model.policy.optimizer = ChangeDetection(optimizers[0], detector=detector)
    return detector


def change_detection_of(model: BaseAlgorithm) -> ChangeDetection | None:
    """The detection of a model's changes; None where they are announced."""
    methods = methods_in(getattr(model.policy, "optimizer", None))
    return next((method for method in methods if isinstance(method, ChangeDetection)), None)
