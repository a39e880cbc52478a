"""Warnings of methods that act at changes or on rollouts, in training where nobody tells them of any."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback, CallbackList, EventCallback

from plastic_rl.optim import PlasticOptimizer, methods_in
from plastic_rl.sb3.attachment import plastic_optimizers
from plastic_rl.sb3.change_announcements import ChangeAnnouncements
from plastic_rl.sb3.rollout_clock import RolloutClock

logger = logging.getLogger(__name__)


def warn_of_untold_methods(model: Any, callback: BaseCallback) -> None:
    """Names the methods of a model that wait for what no callback tells them.

    Args:
        model: that is about to learn.
        callback: with all that are inside it.
    """
    kinds = [type(each) for each in callbacks_in(callback)]
    methods = [method for optimizer in plastic_optimizers(model) for method in methods_in(optimizer)]
    waiting = {
        ChangeAnnouncements: (method for method in methods if method.waits_for_changes),
        RolloutClock: (method for method in methods if method.waits_for_rollouts),
    }
    for teller, who in waiting.items():
        if not any(issubclass(kind, teller) for kind in kinds):
            _warn(teller, who)


def _warn(teller: type[BaseCallback], methods: Iterable[PlasticOptimizer]) -> None:
    moments = "at changes" if teller is ChangeAnnouncements else "on rollouts"
    for name in dict.fromkeys(type(method).__name__ for method in methods):
        logger.warning(
            "%s acts %s, and no callback tells it of any: it will do nothing. Write learn(…, callback=%s()), or give "
            "it every=<updates>.",
            *(name, moments, teller.__name__),
        )


def callbacks_in(callback: BaseCallback | None) -> Iterator[BaseCallback]:
    """A callback, and all that are inside it."""
    if callback is None:
        return
    yield callback
    inner = callback.callbacks if isinstance(callback, CallbackList) else ()
    for each in (callback.callback,) if isinstance(callback, EventCallback) else inner:
        yield from callbacks_in(each)
