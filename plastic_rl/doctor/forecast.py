"""What continual backprop will do with the settings at hand: when it begins, how fast it goes, what will hinder it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from torch.optim import Optimizer

from plastic_rl.doctor.concerns import warnings_about
from plastic_rl.doctor.pace import Pace, pace_of
from plastic_rl.doctor.report import LayerForecast, Report
from plastic_rl.optim import ContinualBackprop, PlasticOptimizer
from plastic_rl.optim.budget import Budget


def doctor(subject: Any, *, run_length: int | None = None) -> Report:
    """Forecasts when and how often units will be replaced, and warns of settings under which it cannot work.

    ::

        print(doctor(optimizer, run_length=100_000).line)

    Args:
        subject: a :class:`plastic_rl.optim.ContinualBackprop`, or an optimiser that wraps one, or an SB3 model made by
            :func:`plastic_rl.sb3.plastic`.
        run_length: how long the run will be: in environment steps for an SB3 model, in updates for an optimiser.

    Raises:
        TypeError: the subject is neither.
    """
    layers: list[LayerForecast] = []
    warnings: list[str] = []
    for method, pace in _methods(subject):
        updates = run_length if pace is None or run_length is None else pace.updates_by(run_length)
        own = [forecast(watched.layer.name, watched.budget, pace) for watched in method.watched]
        layers += own
        warnings += [text for text in warnings_about(method, own, updates) if text not in warnings]
    return Report(layers, warnings)


def forecast(name: str, budget: Budget, pace: Pace | None = None) -> LayerForecast:
    """The forecast of one layer.

    The first of n units falls due 1 / (ρ n) updates after maturity, rounded up (with Bernoulli rounding: on average).
    In the long run r units are replaced per update of the n - r m that are mature, hence r = ρ n / (1 + ρ m).
    """
    expected = budget.rate * budget.units
    # The sum of ρ n over updates reaches one only up to rounding; so does the account.
    first = budget.maturity + math.ceil(1 / expected - 1e-9) if expected > 0 else None
    long_run = expected / (1 + budget.rate * budget.maturity)
    return LayerForecast(name, budget.units, first, 1000 * long_run, pace)


def _methods(subject: Any) -> Iterator[tuple[ContinualBackprop, Pace | None]]:
    """Each continual backprop of a subject, with its pace."""
    if isinstance(subject, Optimizer):
        yield from ((method, None) for method in _inside(subject))
    elif hasattr(subject, "policy"):
        for owner in subject.policy.modules():
            for method in _inside(getattr(owner, "optimizer", None)):
                yield method, pace_of(subject, owner)
    else:
        raise TypeError(f"the doctor examines an optimiser or an SB3 model, got {type(subject).__name__}")


def _inside(optimizer: Any) -> Iterator[ContinualBackprop]:
    """The continual backprop in a stack of wrappers."""
    while isinstance(optimizer, PlasticOptimizer):
        if isinstance(optimizer, ContinualBackprop):
            yield optimizer
        optimizer = optimizer.optimizer
