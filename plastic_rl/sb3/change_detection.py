"""Changes that nobody announces, for methods that act at changes."""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from torch.optim import Optimizer

from plastic_rl.optim import PlasticOptimizer, methods_in
from plastic_rl.regimes import RegimeDetector
from plastic_rl.sb3.optimizer_slots import optimizer_slots
from plastic_rl.sb3.task_detection import detector_for


class ChangeDetection(PlasticOptimizer):
    """Keeps a detector of regimes where all else of a model travels: in its optimiser's state.

    Args:
        optimizer: the model's, with all its methods.
        detector: of regimes, the first of which is called 0.
    """

    follows_resizing = True

    def __init__(self, optimizer: Optimizer, *, detector: RegimeDetector) -> None:
        super().__init__(optimizer)
        self.detector, self.memory = detector, {"told": 0}

    def news(self) -> bool:
        """True if the world is in another regime than it was when this was asked last."""
        before, self.memory["told"] = self.memory["told"], self.detector.latest
        return self.memory["told"] != before

    def metrics(self) -> dict[str, int | float]:
        """The number of regimes that have been told apart so far."""
        return {**super().metrics(), "changes/regimes": len(self.detector.models)}

    def state_dict(self) -> dict[str, Any]:
        saved = super().state_dict()
        return {**saved, self.entry: {**self.memory, "detector": self.detector.state_dict()}}

    def load_memory(self, memory: dict[str, Any]) -> None:
        self.memory["told"] = memory["told"]
        self.detector.load_state_dict(memory["detector"])


def detect_changes(model: BaseAlgorithm, **settings: Any) -> RegimeDetector:
    """Has a model's methods follow up on changes that nobody announces; ``info["task"]`` is then not read.

    ::

        model = plastic(PPO)("MlpPolicy", env, plasticity=FIRE)
        detect_changes(model)
        model.learn(1_000_000, callback=ChangeAnnouncements())

    A regime that comes back is a change too. What is known of regimes travels in the optimiser's state.

    Args:
        model: its observations are vectors, and its policy has one optimiser (PPO, A2C), with a method that acts at
            changes.
        **settings: of :class:`plastic_rl.regimes.RegimeDetector`.

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
    detector = detector_for(model, 0, **settings)
    model.policy.optimizer = ChangeDetection(optimizers[0], detector=detector)
    return detector


def change_detection_of(model: BaseAlgorithm) -> ChangeDetection | None:
    """The detection of a model's changes; None where they are announced."""
    methods = methods_in(getattr(model.policy, "optimizer", None))
    return next((method for method in methods if isinstance(method, ChangeDetection)), None)
