"""The future of units under the methods at hand: when replacement begins, how fast it goes, what will hinder it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch.optim import Optimizer

from plastic_rl.optim import UnitForecast, methods_in


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
        """The number of updates made by an environment step."""
        return max(0, math.floor(math.floor((environment_step - self.start) / self.steps) * self.updates))

    def whole_rounds(self, environment_steps: int) -> int:
        """The environment steps of a run of so many: Stable-Baselines3 finishes the round in which they are reached."""
        return math.ceil(environment_steps / self.steps) * self.steps


@dataclass(frozen=True)
class LayerForecast(UnitForecast):
    """The future of the units of one layer, in updates and in environment steps.

    Args:
        pace: how updates and environment steps go together, where the environment is known.
        network: the name of the network that its optimiser trains, where there are several, each with updates of its
            own.
    """

    pace: Pace | None = None
    network: str = ""

    def when(self) -> str:
        """The first replacement in words, or the first look where scores decide."""
        update = self.first_update
        if update is None:
            return "never"
        step = "" if self.pace is None else f" = environment step {self.pace.environment_step(update):,}"
        return f"{'look ' if self.per_thousand is None else ''}at update {update:,}{step}"

    def how_many(self) -> str:
        """The long run in words."""
        rate = self.per_thousand
        return "as the scores say" if rate is None else f"{rate:.3g} per 1,000 updates"


@dataclass(frozen=True)
class Forecast:
    """The future of the units of all layers, and what is amiss.

    Args:
        layers: the forecast of each layer.
        warnings: what will keep the method from doing what it should, each in a sentence or two.
    """

    layers: list[LayerForecast]
    warnings: list[str]

    def __add__(self, other: Forecast) -> Forecast:
        """Both as one; what both warn of is said once."""
        new = [text for text in other.warnings if text not in self.warnings]
        return Forecast(self.layers + other.layers, self.warnings + new)

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to say: no unit will be replaced, and nothing is amiss."""
        return not self.layers and not self.warnings

    @property
    def line(self) -> str:
        """The forecast in one line, for the start of a run."""
        if not self.layers:
            return " ".join(self.warnings) or "no method replaces units"
        groups: dict[str, list[LayerForecast]] = {}
        for layer in self.layers:
            of = f" of the {layer.network}" if layer.network else ""
            groups.setdefault(f"{layer.method}{of}", []).append(layer)
        text = "; ".join(f"{name}: {_in_words(layers)}" for name, layers in groups.items())
        return f"{text}. {' '.join(self.warnings)}" if self.warnings else text

    def __str__(self) -> str:
        names = [".".join(filter(None, (layer.network, layer.name))) for layer in self.layers]
        width = max(map(len, names), default=0)
        rows = [
            f"  {name:<{width}}  {layer.units:>6,} units  first {layer.when()}, then {layer.how_many()}"
            for name, layer in zip(names, self.layers, strict=True)
        ]
        return "\n".join([self.line.partition(". ")[0], *rows, *(f"  warning: {text}" for text in self.warnings)])


def _in_words(layers: Sequence[LayerForecast]) -> str:
    """The future of the layers of one method."""
    firsts = [layer for layer in layers if layer.first_update is not None]
    if not firsts:
        return "no unit is ever replaced"
    first = min(firsts, key=lambda layer: layer.first_update or 0)
    rates = [layer.per_thousand for layer in layers if layer.per_thousand is not None]
    if len(rates) < len(layers):
        return f"first {first.when()}, then {first.how_many()}"
    return f"first replacement {first.when()}, then {sum(rates) / len(rates):.3g} units per layer per 1,000 updates"


def forecast(optimizer: Any, *, pace: Pace | None = None, run_length: int | None = None, network: str = "") -> Forecast:
    """Forecasts when and how often units will be replaced, and warns of settings under which it cannot work.

    ::

        print(forecast(optimizer, run_length=100_000).line)

    Args:
        optimizer: what trains; the methods that it wraps count too.
        pace: how its updates and the steps of an environment go together; None where there is no environment.
        run_length: how long the run will be: in environment steps with a pace, in updates without.
        network: the name of what it trains, where others train other networks.

    Raises:
        TypeError: it is no optimiser.
    """
    if not isinstance(optimizer, Optimizer):
        kind = type(optimizer).__name__
        raise TypeError(f"a forecast is of an optimiser, got {kind}; of an SB3 model: plastic_rl.sb3.forecast_model")
    updates = run_length if pace is None or run_length is None else pace.updates_by(run_length)
    found = Forecast([], [])
    for method in methods_in(optimizer):
        layers = [LayerForecast(**vars(each), pace=pace, network=network) for each in method.forecast()]
        found += Forecast(layers, list(method.concerns(updates)))
    return found
