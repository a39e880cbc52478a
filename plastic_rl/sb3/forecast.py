"""The future of units in the training of an SB3 model, in updates and in environment steps."""

from __future__ import annotations

import math
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm

from plastic_rl.forecast import Forecast, Pace, forecast
from plastic_rl.sb3.optimizer_slots import optimizer_slots


def forecast_model(model: BaseAlgorithm, *, run_length: int | None = None) -> Forecast:
    """Forecasts when and how often units of a model will be replaced, and warns of settings under which it cannot work.

    ::

        print(forecast_model(model, run_length=100_000).line)

    Args:
        model: one made by :func:`plastic_rl.sb3.plastic`; of any other there is nothing to say.
        run_length: how long the run will be, in environment steps.
    """
    found = Forecast([], [])
    for slot in optimizer_slots(model.policy, model):
        pace = pace_of(model, slot.owner)
        # Where episodes set the pace, nobody knows how many updates a number of steps is.
        found += forecast(slot.optimizer, pace=pace, run_length=None if pace is None else run_length)
    return found


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
