"""The methods that are recommended where nothing is known of a world but that it changes: ``plasticity="recommended"``.

They came nearest to a fresh agent at each change, of all that was tried (docs/plasticity_in_rl.md), and are those of
``agent=ppo_plastic``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback, CallbackList, ConvertCallback

from plastic_rl.optim import FIRE, OptimizerReset, Plasticity, SpreadReset
from plastic_rl.sb3.change_announcements import ChangeAnnouncements
from plastic_rl.sb3.untold_methods import callbacks_in

RECOMMENDED = "recommended"

METHODS: tuple[Plasticity, ...] = (FIRE, OptimizerReset, partial(SpreadReset, if_any=True))
"""The innermost first; they act at changes that the model finds by itself. The last is for continuous actions."""


def recommended_for(model: Any) -> tuple[Plasticity, ...]:
    """The methods that are recommended for a model.

    Args:
        model: that asks for it.

    Raises:
        ValueError: names an algorithm for which nothing is recommended, and says what to do.
    """
    if not isinstance(model, PPO):
        raise ValueError(
            f'plasticity="{RECOMMENDED}" is what was found for PPO, and nothing was for {type(model).__name__}: choose '
            "a method (docs/choosing.md), such as plasticity=partial(ContinualBackprop, replacement_rate=1e-4)"
        )
    return METHODS


def detects_changes(model: Any) -> bool:
    """True if a model has what is recommended, and not another method that somebody loaded it with."""
    return model.plasticity is not None and model.plasticity == model.detects_changes_for


def with_announcements(callback: Any) -> BaseCallback:
    """The `callback=` that somebody gave to `learn`, with the one that tells methods of changes if it is not there.

    Args:
        callback: None, a callback, a list of them, or a function.
    """
    if callback is None:
        return ChangeAnnouncements()
    if isinstance(callback, list):
        callback = CallbackList(callback)
    elif not isinstance(callback, BaseCallback):
        callback = ConvertCallback(callback)
    is_there = any(isinstance(each, ChangeAnnouncements) for each in callbacks_in(callback))
    return callback if is_there else CallbackList([ChangeAnnouncements(), callback])
