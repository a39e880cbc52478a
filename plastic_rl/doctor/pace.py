"""How updates of an optimiser and steps of an environment go together, by the settings of an SB3 algorithm."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Pace:
    """Updates come in rounds, each after a number of environment steps.

    Args:
        steps: environment steps, of all copies of the environment together, between two rounds.
        updates: how often the optimiser steps in a round.
        start: environment steps before the first round begins to be collected.
    """

    steps: int
    updates: int | float
    start: int = 0

    def environment_step(self, update: int) -> int:
        """The environment step by which update number ``update`` is made."""
        return self.start + math.ceil(math.ceil(update / self.updates) * self.steps)

    def updates_by(self, environment_step: int) -> int:
        """How many updates are made by an environment step."""
        return max(0, math.floor(math.floor((environment_step - self.start) / self.steps) * self.updates))


def pace_of(model: Any, owner: Any) -> Pace | None:
    """The pace of the optimiser that ``owner``, a module of the model's policy, holds; None where episodes set it.

    PPO makes n_epochs * ceil(n_steps * n_envs / batch_size) updates for each rollout, A2C one, the off-policy
    algorithms gradient_steps for each train_freq steps, and TD3's actor only every policy_delay-th of those.
    """
    if hasattr(model, "train_freq"):
        return _off_policy(model, owner)
    rollout = model.n_steps * model.n_envs
    minibatches = math.ceil(rollout / model.batch_size) if hasattr(model, "batch_size") else 1
    return Pace(rollout, getattr(model, "n_epochs", getattr(model, "n_critic_updates", 1)) * minibatches)


def _off_policy(model: Any, owner: Any) -> Pace | None:
    frequency, unit = (
        getattr(model.train_freq, "frequency", model.train_freq),
        getattr(model.train_freq, "unit", "step"),
    )
    if getattr(unit, "value", unit) != "step":
        return None
    steps = frequency * model.n_envs
    updates = model.gradient_steps if model.gradient_steps >= 0 else steps
    is_actor = owner is not None and owner is getattr(model, "actor", None)
    delay = getattr(model, "policy_delay", 1) if is_actor else 1
    return Pace(steps, updates / delay, model.learning_starts)
