"""Settings under which continual backprop does nothing, or harm."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torch.optim import Optimizer

from plastic_rl.doctor.report import LayerForecast
from plastic_rl.optim import ContinualBackprop
from plastic_rl.optim.replacement import innermost

# A newborn weight whose first steps are this many times too long is worth a warning.
OVERSHOOT = 1.5


def warnings_about(method: ContinualBackprop, layers: list[LayerForecast], updates: int | None) -> list[str]:
    """What is amiss with a method that will see so many updates (None: nobody knows how many)."""
    return [*_about_time(method, layers, updates), *_about_adam(method), *_about_norms(method)]


def _about_time(method: ContinualBackprop, layers: list[LayerForecast], updates: int | None) -> Iterator[str]:
    if any(layer.first_update is None for layer in layers):
        yield "replacement_rate is 0: no unit is ever replaced."
    late = [layer for layer in layers if layer.first_update is not None and layer.first_update > (updates or math.inf)]
    if late:
        maturity = method.watched[0].budget.maturity
        who = "no unit" if len(late) == len(layers) else f"no unit of {', '.join(layer.name for layer in late)}"
        yield (
            f"The run has {updates:,} updates and the maturity threshold is {maturity:,}: {who} is replaced before it "
            "ends. Lower maturity_threshold or raise replacement_rate."
        )


def _about_adam(method: ContinualBackprop) -> Iterator[str]:
    inner = innermost(method)
    if not method.forget_optimizer_state or hasattr(inner, "restart_clock"):
        return
    worst = max(
        (overshoot(*group["betas"]) for group in inner.param_groups if _has_adams_clock(inner, group)), default=0
    )
    if worst > OVERSHOOT:
        yield (
            f"{type(inner).__name__} keeps one step count per parameter: the first steps of newborn weights are up to "
            f"{worst:.1f} times too long. Use Adam or AdamW (torch's, or plastic_rl.optim's), or equal betas."
        )


def _has_adams_clock(optimizer: Optimizer, group: dict[str, object]) -> bool:
    """Whether an optimiser divides its moments by 1 - β^t, with one t for a whole parameter."""
    counts = any("step" in state for state in optimizer.state.values())
    return "betas" in group and "eps" in group and (counts or not optimizer.state)


def overshoot(first: float, second: float) -> float:
    """The longest step of a forgotten weight under an old clock: max_t (1 - β₁^t) / √(1 - β₂^t), in learning rates."""
    steps = range(1, math.ceil(10 / (1 - min(float(first), 0.9999))))
    return max((1 - float(first) ** step) / math.sqrt(1 - float(second) ** step) for step in steps)


def _about_norms(method: ContinualBackprop) -> Iterator[str]:
    audible = [watched.layer.name for watched in method.watched if watched.layer.is_audible]
    if audible:
        yield (
            f"{', '.join(audible)}: a norm that mixes units (LayerNorm, GroupNorm) lies between these units and their "
            "readers, so that a newborn unit disturbs the others through it. Expect a jolt at each replacement."
        )
