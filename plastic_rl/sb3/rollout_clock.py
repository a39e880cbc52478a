"""The callback that tells a model's methods when the updates on a new rollout begin."""

from __future__ import annotations

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from plastic_rl.sb3.attachment import plastic_optimizers


class RolloutClock(BaseCallback):
    """Tells the methods of an on-policy model that the updates on a new rollout begin (``begin_rollout``).

    ::

        model.learn(1_000_000, callback=RolloutClock())

    :func:`plastic_rl.sb3.train_model` has this callback.

    Raises:
        TypeError: the model learns off-policy, where no update has a rollout of its own.
    """

    def _init_callback(self) -> None:
        if not isinstance(self.model, OnPolicyAlgorithm):
            raise TypeError(f"rollouts are those of on-policy algorithms such as PPO; got {type(self.model).__name__}")

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        for optimizer in plastic_optimizers(self.model):
            optimizer.begin_rollout()
