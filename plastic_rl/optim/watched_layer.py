"""The record that continual backprop keeps of one hidden layer: running averages, times of birth, and the budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from plastic_rl.choices import Mode, Utility
from plastic_rl.layers import HiddenLayer, Port, Resizing
from plastic_rl.optim.activity import ActivityRecorder
from plastic_rl.optim.budget import Budget
from plastic_rl.optim.observed_layer import ObservedLayer
from plastic_rl.optim.watching import state_dtype


class WatchedLayer(ObservedLayer[ActivityRecorder]):
    """Running averages, ages and budget of one layer's units; what is made of them is the method's business.

    Args:
        layer: the group of units.
        budget: the running account of its replacements.
        utility: what ranks the units.
        mode: when the running average is taken.
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
        keeps_mean: bool,
        initialiser: Callable[..., Any] | None,
    ) -> None:
        self.budget, self.utility, self.mode = budget, utility, mode
        self.keeps_mean = keeps_mean or utility.is_centred
        recorders = [ActivityRecorder(port, keeps_mean=self.keeps_mean) for port in layer.read_by]
        super().__init__(layer, recorders, initialiser)
        self.average: Float[Tensor, " units"] = torch.zeros(
            layer.units, dtype=self.dtype, device=layer.produced_by[0].parameter.device
        )
        self.magnitudes = [_zeros_per_column(port) for port in layer.read_by] if mode is Mode.lazy else []
        self.means = [_zeros_per_column(port) for port in layer.read_by] if self.keeps_mean else []

    @property
    def heard(self) -> list[Tensor | None]:
        """For each reader the mean |h| of its columns since the last update; None where nothing was heard."""
        return [recorder.magnitude for recorder in self.recorders]

    def tensors(self) -> list[Tensor]:
        """The state that changes from step to step: averages and times of birth."""
        return [self.average, self.birth, *self.magnitudes, *self.means]

    def hold(self, tensors: Iterator[Tensor]) -> None:
        """Keeps its state in other tensors from now on, taken in the order of :meth:`tensors`."""
        self.average, self.birth = next(tensors), next(tensors)
        self.magnitudes = [next(tensors) for _ in self.magnitudes]
        self.means = [next(tensors) for _ in self.means]

    def move(self, device: torch.device, dtype: torch.dtype) -> None:
        super().move(device, dtype)
        averages = [average.to(device, dtype) for average in (self.average, *self.magnitudes, *self.means)]
        self.hold(iter([averages[0], self.birth, *averages[1:]]))

    def listen(self, is_wanted: bool) -> None:
        """Lets the recorders hear what the next update needs, and no more: a unit may fall due after it or not."""
        super().listen(self.utility.is_active and (is_wanted or self.mode is not Mode.instant))

    def renew(self, units: Int[Tensor, " k"], step: int) -> None:
        """Starts the units' averages and ages anew."""
        super().renew(units, step)
        self.average.index_fill_(0, units, 0.0)
        for averages in (self.magnitudes, self.means):
            for port, average in zip(self.layer.read_by, averages, strict=False):
                average.index_fill_(0, port.positions(units), 0.0)
        for recorder in self.recorders:  # a newborn unit does not inherit the mean of the one before it
            if recorder.centre is not None:
                recorder.centre.index_fill_(0, recorder.port.positions(units), 0.0)

    def begin(self, step: int) -> None:
        super().begin(step)
        self.budget.begin(step)

    def take_over(self, other: ObservedLayer[ActivityRecorder]) -> None:
        assert isinstance(other, WatchedLayer)
        super().take_over(other)
        self.budget = other.budget
        self.average.copy_(other.average)
        self._take_over_columns(self.magnitudes, other, other.magnitudes)
        self._take_over_columns(self.means, other, other.means)

    def _take_over_columns(self, averages: list[Tensor], other: WatchedLayer, known: list[Tensor]) -> None:
        """Copies averages of readers' columns; readers may have come or gone."""
        by_name = dict(zip((port.name for port in other.layer.read_by), known, strict=False))
        for port, average in zip(self.layer.read_by, averages, strict=False):
            old = by_name.get(port.name)
            if old is not None and old.shape == average.shape:
                average.copy_(old)

    def resize(self, resizing: Resizing, step: int) -> None:
        super().resize(resizing, step)
        for averages in (self.magnitudes, self.means):
            for place, port in enumerate(self.layer.read_by if averages else ()):
                along = resizing.of(port.parameter)
                if along is not None and along.axis == port.column_axis:
                    averages[place] = along.of(averages[place], axis=0)
        for recorder in self.recorders:
            recorder.centre = None  # until it is worked out anew
        if resizing.concerns(self.layer):
            self.average = resizing.units.of(self.average)
            self.budget.resettle(self.birth.tolist(), step)

    def state_dict(self) -> dict[str, Any]:
        return {
            **super().state_dict(),
            "average": self.average,
            "magnitudes": list(self.magnitudes),
            "means": list(self.means),
            "budget": self.budget.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.average.copy_(state["average"])
        for averages, saved in ((self.magnitudes, state["magnitudes"]), (self.means, state["means"])):
            for average, value in zip(averages, saved, strict=True):
                average.copy_(value)
        self.budget.load_state_dict(state["budget"])


def _zeros_per_column(port: Port) -> Float[Tensor, " columns"]:
    return torch.zeros(port.weight.shape[1], dtype=state_dtype(port.weight), device=port.weight.device)
