"""The interval between two looks at a model whose rollouts are a few steps long."""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

LOOK = 1000
"""Environment steps between two measurements of a model whose rollouts are short."""

SHORT = 64
"""A rollout of fewer environment steps, learned from once, is short: a look at the model would take as long as it."""


class Interval:
    """Tells when some environment steps are over, by the count of steps alone: a resumed run agrees with a whole one.

    Args:
        steps: environment steps; with 1 it is over whenever it is asked for.
        since: the step from which on; None has it be over at the first question.
    """

    def __init__(self, steps: int, since: int | None = None) -> None:
        self.steps, self.count = steps, None if since is None else since // steps

    def is_over(self, step: int) -> bool:
        """True if a multiple of the steps lies between the last question and this one.

        Args:
            step: environment steps so far.
        """
        before, self.count = self.count, step // self.steps
        return self.count != before


def interval_of(model: Any, steps: int) -> int:
    """The interval for a model: 1, that is each rollout, or some environment steps where its rollouts are short.

    Args:
        model: on-policy or off-policy; off-policy a rollout is what lies between two rounds of updates.
        steps: environment steps where rollouts are short.
    """
    if not isinstance(model, OnPolicyAlgorithm):
        return steps
    # A rollout that is learned from in epochs, PPO's, takes longer than a look at the model, whatever its length.
    return 1 if hasattr(model, "n_epochs") or model.n_steps * model.n_envs >= SHORT else steps
