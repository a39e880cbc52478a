"""The callback that keeps a run safe: checkpoints between rollouts, stops on request and on numbers gone bad."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from plastic_rl.errors import RunError, RunInterruptedError
from plastic_rl.runs import Checkpoints, Interruption


class Keeper(BaseCallback):
    """Saves a checkpoint before the first rollout, every so many seconds, and when the run is asked to stop.

    Args:
        checkpoints: where they go.
        snapshot: gives all that the run needs to go on.
        seconds: between two checkpoints; a rollout and its update are never split.
        interruption: says whether somebody asked the run to stop.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        snapshot: Callable[[], dict[str, Any]],
        seconds: float,
        interruption: Interruption,
    ) -> None:
        super().__init__()
        self.checkpoints, self.snapshot = checkpoints, snapshot
        self.seconds, self.interruption = seconds, interruption
        self.saved_at = -float("inf")

    def _on_rollout_start(self) -> None:
        self.check_health(self.model)
        if self.interruption.requested:
            self.save()
            raise RunInterruptedError(
                f"Interrupted at step {self.num_timesteps}; the same command goes on from there.",
                self.interruption.exit_code,
            )
        if time.monotonic() - self.saved_at >= self.seconds:
            self.save()

    def _on_step(self) -> bool:
        return True

    def save(self) -> None:
        """Saves a checkpoint now."""
        state = self.snapshot()
        self.checkpoints.save(state["step"], state)
        self.saved_at = time.monotonic()

    def check_health(self, model: BaseAlgorithm) -> None:
        """Stops the run if a parameter is not a finite number, before it could be saved.

        Raises:
            RunError: says at which step, where the last healthy checkpoint is, and what to try.
        """
        if not all(bool(torch.isfinite(parameter).all()) for parameter in model.policy.parameters()):
            raise self.illness(model, "the weights are no longer finite numbers (the loss was NaN or infinite)")

    def illness(self, model: BaseAlgorithm, what: str) -> RunError:
        """The error that says what went wrong, where the last healthy checkpoint is, and what to try."""
        return RunError(
            f"Step {model.num_timesteps}: {what}. The last healthy checkpoint is the newest in "
            f"{self.checkpoints.directory}; try a smaller agent.learning_rate."
        )
