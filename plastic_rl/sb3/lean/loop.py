"""The loop in which an on-policy algorithm learns: the lean one where it can, Stable-Baselines3's own elsewhere."""

from __future__ import annotations

import logging
from typing import Any, ClassVar, TypeVar, cast
from weakref import WeakKeyDictionary

from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from plastic_rl.choices import Lean
from plastic_rl.sb3.lean.rollout import Rollout
from plastic_rl.sb3.lean.update import Update
from plastic_rl.sb3.lean.why_not import why_not
from plastic_rl.validation import one_of

logger = logging.getLogger(__name__)

Algorithm = TypeVar("Algorithm", bound=BaseAlgorithm)

_told: WeakKeyDictionary[OnPolicyAlgorithm, str] = WeakKeyDictionary()


class LeanLoop(OnPolicyAlgorithm):
    """Mixed into an on-policy algorithm: its rollouts and updates, quicker where the loop knows how.

    Args:
        settings: those of the algorithm.
        lean: the loop that is wanted (:class:`plastic_rl.choices.Lean`).

    Raises:
        ValueError: there is no such loop.
    """

    algorithm: ClassVar[type[OnPolicyAlgorithm]]
    """The algorithm as it is without this."""

    lean: str = Lean.exact.value

    def __init__(self, *settings: Any, lean: str | None = None, **named: Any) -> None:
        if lean is not None:
            self.lean = lean
        super().__init__(*settings, **named)

    def _setup_model(self) -> None:
        one_of("lean", Lean, self.lean)  # here, because `load` calls this too
        super()._setup_model()

    def collect_rollouts(
        self,
        env: VecEnv,
        callback: BaseCallback,
        rollout_buffer: RolloutBuffer,
        n_rollout_steps: int,
        *more: Any,  # MaskablePPO's
        **named: Any,
    ) -> bool:
        if not self.is_lean():
            return super().collect_rollouts(env, callback, rollout_buffer, n_rollout_steps, *more, **named)
        is_exact = self.lean == Lean.exact
        return Rollout(self, env, callback, rollout_buffer, n_rollout_steps, is_exact=is_exact).collect()

    def train(self) -> None:
        if self.is_lean():
            Update(cast(PPO, self), is_exact=self.lean == Lean.exact).run()
        else:
            super().train()

    def is_lean(self) -> bool:
        """True if the next rollout, or update, is taken in the lean loop; the reason why not is said once."""
        if self.lean == Lean.off:
            return False
        reason = why_not(self, self.algorithm)
        if reason is not None and _told.get(self) != reason:
            _told[self] = reason
            logger.info("%s learns in Stable-Baselines3's own loop: %s.", self.algorithm.__name__, reason)
        return reason is None


def with_lean_loop(algorithm: type[Algorithm]) -> type[Algorithm]:
    """An algorithm that learns in the lean loop where it can; one that learns off-policy is returned as it is."""
    if not issubclass(algorithm, OnPolicyAlgorithm):
        return algorithm
    return cast(type[Algorithm], type(f"Lean{algorithm.__name__}", (LeanLoop, algorithm), {"algorithm": algorithm}))
