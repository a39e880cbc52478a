"""The future of units in the training of an SB3 model, in updates and in environment steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm

from plastic_rl.forecast import Forecast, Pace, forecast
from plastic_rl.sb3.optimizer_slots import optimizer_slots


def forecast_model(model: BaseAlgorithm, *, run_length: int | None = None) -> Forecast:
    """Forecasts when and how often units of a model will be replaced, and warns of settings under which it cannot work.

    Each optimiser counts its own updates: TD3's actor makes half as many as its critics.

    ::

        print(forecast_model(model, run_length=100_000).line)

    Args:
        model: one made by :func:`plastic_rl.sb3.plastic`; of any other there is nothing to say.
        run_length: how long the run will be, in environment steps.
    """
    slots, parts = optimizer_slots(model.policy, model), dict[str, Forecast]()
    names = {module: name for name, module in model.policy.named_modules()}
    for slot in slots:
        pace, network = pace_of(model, slot.owner), names[slot.owner] if len(slots) > 1 else ""
        # Where episodes set the pace, nobody knows how many updates a number of steps is.
        length = None if pace is None or run_length is None else pace.whole_rounds(run_length)
        found = forecast(slot.optimizer, pace=pace, run_length=length, network=network)
        parts[network] = parts[network] + found if network in parts else found  # a policy may keep several optimisers
    return _together(parts) + Forecast([], _never_learns(model, run_length))


def _never_learns(model: Any, run_length: int | None) -> list[str]:
    """A warning where the steps with random actions last as long as the run."""
    pace = pace_of(model, None)
    if pace is None or run_length is None or pace.updates_by(pace.whole_rounds(run_length)):
        return []
    starts = model.learning_starts
    return [f"The agent learns nothing: learning_starts is {starts:,}, and the run has {run_length:,} steps."]


def _together(parts: Mapping[str, Forecast]) -> Forecast:
    """The forecasts of all networks as one; a warning that not all of them give names its network."""
    shared = set[str].intersection(*(set(part.warnings) for part in parts.values())) if parts else set[str]()
    found = Forecast([], [])
    for network, part in parts.items():
        warnings = [text if text in shared else f"The {network}: {text}" for text in part.warnings]
        found += Forecast(part.layers, warnings)
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
    return Pace(steps, updates / delay, model.learning_starts // steps * steps)
