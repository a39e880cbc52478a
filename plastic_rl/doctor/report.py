"""The findings of the doctor, to be read."""

from __future__ import annotations

from dataclasses import dataclass

from plastic_rl.doctor.pace import Pace
from plastic_rl.optim import UnitForecast


@dataclass(frozen=True)
class LayerForecast(UnitForecast):
    """The future of the units of one layer, in updates and in environment steps.

    Args:
        pace: how updates and environment steps go together, where the environment is known.
    """

    pace: Pace | None = None

    def when(self) -> str:
        """The first replacement in words."""
        update = self.first_update
        if update is None:
            return "never"
        step = "" if self.pace is None else f" = environment step {self.pace.environment_step(update):,}"
        return f"at update {update:,}{step}"


@dataclass(frozen=True)
class Report:
    """A forecast, and what is amiss.

    Args:
        layers: the forecast of each layer.
        warnings: what will keep the method from doing what it should, each in a sentence or two.
    """

    layers: list[LayerForecast]
    warnings: list[str]

    @property
    def line(self) -> str:
        """The report in one line, for the start of a run."""
        firsts = [layer for layer in self.layers if layer.first_update is not None]
        if not self.layers:
            return "continual backprop: not in use"
        if not firsts:
            return f"continual backprop: no unit is ever replaced. {' '.join(self.warnings)}".strip()
        first = min(firsts, key=lambda layer: layer.first_update or 0)
        rate = sum(layer.per_thousand for layer in self.layers) / len(self.layers)
        text = (
            f"continual backprop: first replacement {first.when()}, then {rate:.3g} units per layer per 1,000 updates"
        )
        return f"{text}. {' '.join(self.warnings)}".strip() if self.warnings else text

    def __str__(self) -> str:
        width = max((len(layer.name) for layer in self.layers), default=0)
        rows = [
            f"  {layer.name:<{width}}  {layer.units:>6,} units  first {layer.when()}, "
            f"then {layer.per_thousand:.3g} per 1,000 updates"
            for layer in self.layers
        ]
        return "\n".join([self.line.partition(". ")[0], *rows, *(f"  warning: {text}" for text in self.warnings)])
