"""The future of units under the methods at hand: when replacement begins, how fast it goes, what will hinder it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch.optim import Optimizer

from plastic_rl.doctor.pace import Pace, pace_of
from plastic_rl.doctor.report import LayerForecast, Report
from plastic_rl.optim import PlasticOptimizer, methods_in


def doctor(subject: Any, *, run_length: int | None = None) -> Report:
    """Forecasts when and how often units will be replaced, and warns of settings under which it cannot work.

    ::

        print(doctor(optimizer, run_length=100_000).line)

    Args:
        subject: a :class:`plastic_rl.optim.PlasticOptimizer` that replaces units or wraps one, or an SB3 model made by
            :func:`plastic_rl.sb3.plastic`.
        run_length: how long the run will be: in environment steps for an SB3 model, in updates for an optimiser.

    Raises:
        TypeError: the subject is neither.
    """
    layers: list[LayerForecast] = []
    warnings: list[str] = []
    for method, pace in _methods(subject):
        updates = run_length if pace is None or run_length is None else pace.updates_by(run_length)
        layers += [LayerForecast(**vars(forecast), pace=pace) for forecast in method.forecast()]
        warnings += [text for text in method.concerns(updates) if text not in warnings]
    return Report(layers, warnings)


def _methods(subject: Any) -> Iterator[tuple[PlasticOptimizer, Pace | None]]:
    """Each method of a subject, with its pace."""
    if isinstance(subject, Optimizer):
        yield from ((method, None) for method in methods_in(subject))
    elif hasattr(subject, "policy"):
        for owner in subject.policy.modules():
            optimizer = getattr(owner, "optimizer", None)
            if isinstance(optimizer, PlasticOptimizer):
                yield from ((method, pace_of(subject, owner)) for method in methods_in(optimizer))
    else:
        raise TypeError(f"the doctor examines an optimiser or an SB3 model, got {type(subject).__name__}")
