"""The callback that lets a run be saved and stopped between two rollouts."""

from __future__ import annotations

from typing import Any

import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from plastic_rl.runs import SMALLER_STEPS, Fault, Session
from plastic_rl.sb3.algorithm_state import algorithm_state, restore_algorithm_state
from plastic_rl.sb3.task_log import TaskLog


class ModelKeeper(BaseCallback):
    """A model as a run's session keeps it: a rollout and its update are never split.

    Args:
        model: an on-policy model.
        tasks: which the run has met so far.
    """

    session: Session  # once it is open

    def __init__(self, model: OnPolicyAlgorithm, tasks: TaskLog) -> None:
        super().__init__()
        self.trained, self.tasks = model, tasks

    @property
    def step(self) -> int:
        """Environment steps so far."""
        return self.trained.num_timesteps

    def state_dict(self) -> dict[str, Any]:
        """All that the run needs to go on exactly from between two rollouts."""
        return {"step": self.step, "algorithm": algorithm_state(self.trained), "task": self.tasks.task}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts the model where a saved one was."""
        restore_algorithm_state(self.trained, state["algorithm"])
        self.tasks.take(state["task"])

    def fault(self) -> Fault | None:
        """What is wrong with the model's numbers."""
        if all(bool(torch.isfinite(parameter).all()) for parameter in self.trained.policy.parameters()):
            return None
        return Fault("the weights are no longer finite numbers (the loss was NaN or infinite)", SMALLER_STEPS)

    def fault_in(self, state: dict[str, Any]) -> Fault | None:
        """What is wrong with what is about to be saved."""
        return self.fault()

    def _on_rollout_start(self) -> None:
        self.session.keeper.pause()

    def _on_step(self) -> bool:
        return True
