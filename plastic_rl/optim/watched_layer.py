"""A hidden layer with what continual backprop remembers of its units."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from plastic_rl.initialisers import Initialiser, Resembling, Spread
from plastic_rl.layers import HiddenLayer, Port
from plastic_rl.optim.activity import ActivityRecorder
from plastic_rl.optim.budget import Budget
from plastic_rl.optim.utilities import (
    Mode,
    Utility,
    bias_corrected,
    incoming_magnitude,
    outgoing_magnitude,
)

# What a utility that is not a number counts as: so useful that its unit is never chosen for it.
NOT_A_NUMBER = 1e30


class WatchedLayer:
    """Running averages, ages and budget of one layer's units.

    Args:
        layer: the group of units.
        budget: the running account of its replacements.
        utility: what ranks the units.
        mode: when the running average is taken.
        decay: η of the running averages.
        keeps_mean: follow the mean activation even where the utility does not need it.
        initialiser: how newborn units' weights are drawn; None resembles each producer's weights as they are now.
    """

    def __init__(
        self,
        layer: HiddenLayer,
        budget: Budget,
        *,
        utility: Utility,
        mode: Mode,
        decay: float,
        keeps_mean: bool,
        initialiser: Initialiser | None,
    ) -> None:
        self.layer, self.budget, self.utility, self.mode, self.decay = layer, budget, utility, mode, decay
        self.initialiser = initialiser
        self.resembling = [Resembling.of(port.weight) for port in layer.produced_by] if initialiser is None else []
        self.keeps_mean = keeps_mean or utility.is_centred
        self.recorders = [ActivityRecorder(port, keeps_mean=self.keeps_mean) for port in layer.read_by]
        weight = layer.produced_by[0].weight
        self.average: Float[Tensor, " units"] = torch.zeros(layer.units, dtype=weight.dtype, device=weight.device)
        self.birth: Float[Tensor, " units"] = torch.zeros(layer.units, device=weight.device)
        self.magnitudes = [_zeros_per_column(port) for port in layer.read_by] if mode is Mode.lazy else []
        self.means = [_zeros_per_column(port) for port in layer.read_by] if self.keeps_mean else []

    def tensors(self) -> list[Tensor]:
        """The state that changes from step to step: averages and times of birth."""
        return [self.average, self.birth, *self.magnitudes, *self.means]

    def hold(self, tensors: Iterator[Tensor]) -> None:
        """Keeps its state in other tensors from now on, taken in the order of :meth:`tensors`."""
        self.average, self.birth = next(tensors), next(tensors)
        self.magnitudes = [next(tensors) for _ in self.magnitudes]
        self.means = [next(tensors) for _ in self.means]

    def listen(self, falls_due: bool) -> None:
        """Lets the recorders hear what the next update needs, and no more: a unit may fall due after it or not."""
        is_wanted = self.utility.is_active and (falls_due or self.mode is not Mode.instant)
        for recorder in self.recorders:
            recorder.keeps_magnitude = is_wanted

    def observed(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Each running average, with what it takes in of what the recorders heard since the last update."""
        if self.mode is Mode.exact:
            latest = self._latest([recorder.magnitude for recorder in self.recorders])
            if latest is not None:
                yield self.average, latest
        for magnitude, recorder in zip(self.magnitudes, self.recorders, strict=False):
            if recorder.magnitude is not None:
                yield magnitude, recorder.magnitude
        for mean, recorder in zip(self.means, self.recorders, strict=False):
            if recorder.mean is not None:  # a mean that is not a number would stay so for good
                yield mean, torch.where(recorder.mean.isfinite(), recorder.mean, mean)

    def centre(self, step: int) -> None:
        """Lets the recorders take activations relative to their running means after update number ``step``."""
        if self.utility.is_centred:
            for recorder, centre in zip(self.recorders, self.mean_activations(step), strict=True):
                recorder.centre = centre

    def utilities(self, step: int, noise: torch.Generator) -> Float[Tensor, " units"]:
        """What ranks the units after update number ``step``."""
        if self.utility is Utility.random:
            return torch.rand(self.layer.units, device=self.birth.device, generator=noise)
        if self.mode is Mode.exact:
            return bias_corrected(self.average, step - self.birth, self.decay)
        if self.mode is Mode.lazy:
            for magnitude in self.magnitudes:  # or one batch that is not a number would stay in the average for good
                magnitude.nan_to_num_(nan=NOT_A_NUMBER, posinf=NOT_A_NUMBER)
            latest = self._latest(self.magnitudes)
            assert latest is not None
            return bias_corrected(latest, step - self.birth, self.decay)
        latest = self._latest([recorder.magnitude for recorder in self.recorders])
        return self.average if latest is None else self.average.copy_(latest)

    def renew(self, units: Int[Tensor, " k"], step: int) -> None:
        """Starts the units' averages and ages anew."""
        self.average.index_fill_(0, units, 0.0)
        self.birth.index_fill_(0, units, step)
        for averages in (self.magnitudes, self.means):
            for port, average in zip(self.layer.read_by, averages, strict=False):
                average.index_fill_(0, port.positions(units), 0.0)
        for recorder in self.recorders:  # a newborn unit does not inherit the mean of the one before it
            if recorder.centre is not None:
                recorder.centre.index_fill_(0, recorder.port.positions(units), 0.0)

    def clear(self) -> None:
        """Lets go of what the recorders saw."""
        for recorder in self.recorders:
            recorder.clear()

    def mean_activations(self, step: int) -> list[Float[Tensor, " columns"]]:
        """For each reader the bias-corrected mean of its input columns, since each unit's birth."""
        age = step - self.birth
        return [
            bias_corrected(mean, port.per_position(age, len(mean)), self.decay)
            for port, mean in zip(self.layer.read_by, self.means, strict=True)
        ]

    def initialisers(self) -> list[Initialiser]:
        """For each producer how its weights are drawn."""
        return [self.initialiser or self.resembling[place] for place in range(len(self.layer.produced_by))]

    def metrics(self, step: int) -> dict[str, float]:
        """Units replaced so far, mature units, the mean age, and the lowest utility of a mature unit if there is any.

        The utility is that of the last time units were ranked in mode "instant", today's otherwise.
        """
        age, mature = step - self.birth, self.budget.mature(step)
        counts = {"replaced": float(self.budget.replaced), "mature": float(mature), "age_mean": age.mean().item()}
        if not mature or self.utility is Utility.random:
            return counts
        utility = self.average if self.mode is Mode.instant else self.utilities(step, torch.Generator(age.device))
        return {**counts, "utility_min": utility[age > self.budget.maturity].min().item()}

    def state(self) -> dict[str, Any]:
        """What has to be saved to go on exactly: tensors, numbers and lists only."""
        return {
            "average": self.average,
            "birth": self.birth,
            "magnitudes": list(self.magnitudes),
            "means": list(self.means),
            "budget": self.budget.state(),
            "resembling": [[fit.std, str(fit.spread)] for fit in self.resembling],
        }

    def restore(self, state: dict[str, Any], step: int) -> None:
        """Goes on from a saved state, written into the tensors that are in use."""
        for name in ("average", "birth"):
            getattr(self, name).copy_(state[name])
        for averages, saved in ((self.magnitudes, state["magnitudes"]), (self.means, state["means"])):
            for average, value in zip(averages, saved, strict=True):
                average.copy_(value)
        self.budget.restore(state["budget"])
        self.resembling = [Resembling(float(std), Spread(spread)) for std, spread in state["resembling"]]
        self.centre(step)

    def _latest(self, magnitudes: list[Tensor | None] | list[Tensor]) -> Float[Tensor, " units"] | None:
        """The utility of each unit with these activations and today's weights, or None without any activation."""
        value: Tensor | None = None
        for port, magnitude in zip(self.layer.read_by, magnitudes, strict=True):
            per_column = self._of_columns(port, magnitude)
            if per_column is not None:
                value = port.per_unit(per_column) if value is None else value + port.per_unit(per_column)
        if self.utility.is_active and value is None:
            return None
        if self.utility.is_adaptive:
            incoming = [port.per_unit(incoming_magnitude(port.weight)) for port in self.layer.produced_by]
            value = (1.0 if value is None else value) / torch.stack(incoming).sum(0)
        return None if value is None else value.nan_to_num(nan=NOT_A_NUMBER, posinf=NOT_A_NUMBER)

    def _of_columns(self, port: Port, magnitude: Tensor | None) -> Float[Tensor, " columns"] | None:
        if self.utility.is_active:
            return None if magnitude is None else magnitude * outgoing_magnitude(port.weight)
        return outgoing_magnitude(port.weight) if self.utility is Utility.weight else None


def _zeros_per_column(port: Port) -> Float[Tensor, " columns"]:
    return torch.zeros(port.weight.shape[1], dtype=port.weight.dtype, device=port.weight.device)
