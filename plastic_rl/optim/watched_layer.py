"""The record that continual backprop keeps of one hidden layer: running averages, times of birth, and the budget."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from plastic_rl.choices import Mode, Utility
from plastic_rl.initialisers import Resembling, Spread
from plastic_rl.layers import HiddenLayer, Port
from plastic_rl.optim.activity import ActivityRecorder
from plastic_rl.optim.budget import Budget
from plastic_rl.optim.fresh_rows import check_initialiser
from plastic_rl.optim.network_watch import AGAIN
from plastic_rl.optim.watching import state_dtype

logger = logging.getLogger(__name__)


class WatchedLayer:
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
        self.layer, self.budget, self.utility, self.mode = layer, budget, utility, mode
        self.initialiser = initialiser
        if initialiser is None:
            self.resembling = [Resembling.of(port.weight) for port in layer.produced_by]
        else:
            self.resembling = list[Resembling]()
            for port in layer.produced_by:
                check_initialiser(port, initialiser)
        self.keeps_mean = keeps_mean or utility.is_centred
        self.recorders = [ActivityRecorder(port, keeps_mean=self.keeps_mean) for port in layer.read_by]
        self.known_unheard: set[str] = set()
        weight = layer.produced_by[0].parameter
        self.average: Float[Tensor, " units"] = torch.zeros(
            layer.units, dtype=state_dtype(weight), device=weight.device
        )
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

    def follow(self) -> None:
        """Goes to where the network has gone (`network.to(device)`), in numbers of its kind (`network.double()`).

        Raises:
            RuntimeError: it has gone where there are no numbers.
        """
        weight = self.layer.produced_by[0].parameter
        device, dtype = weight.device, state_dtype(weight)
        if (device, dtype) == (self.average.device, self.average.dtype):
            return
        if weight.is_meta:
            raise RuntimeError(f"the weights of `{self.layer.name}` are on the meta device now: they have no numbers")
        moved = [self.average.to(device, dtype), self.birth.to(device)]
        self.hold(iter([*moved, *(average.to(device, dtype) for average in (*self.magnitudes, *self.means))]))
        for recorder in self.recorders:
            recorder.move(device, dtype)

    def listen(self, falls_due: bool) -> None:
        """Lets the recorders hear what the next update needs, and no more: a unit may fall due after it or not."""
        is_wanted = self.utility.is_active and (falls_due or self.mode is not Mode.instant)
        for recorder in self.recorders:
            recorder.keeps_magnitude = is_wanted

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

    def check_heard(self) -> None:
        """Finds out whether the readers have run since units of the layer were last replaced.

        Raises:
            RuntimeError: none of them has, so that the utility of its units stands still.
        """
        unheard = [recorder.port.name for recorder in self.recorders if not recorder.was_heard]
        if len(unheard) == len(self.recorders):
            raise RuntimeError(
                f"units of `{self.layer.name}` are due, but what reads them ({', '.join(unheard)}) has not run with "
                f"gradients since: the network has changed, or is called through a copy or a script. {AGAIN}"
            )
        for name in set(unheard) - self.known_unheard:
            logger.warning(
                "`%s`, which reads units of `%s`, has not run since they were last replaced; if another module has "
                "taken its place, newborn units are heard there: optimizer.reattach(hidden_layers(network, example)).",
                name,
                self.layer.name,
            )
        self.known_unheard |= set(unheard)
        for recorder in self.recorders:
            recorder.was_heard = False

    def take_over(self, other: WatchedLayer | None, step: int) -> None:
        """Goes on from what was kept of the same units, as far as shapes agree; others are born after ``step``."""
        if other is None or other.layer.units != self.layer.units:
            self.birth.fill_(step)
            self.budget.begin(step)
            return
        self.budget = other.budget
        self.average.copy_(other.average)
        self.birth.copy_(other.birth)
        if self._shapes() == other._shapes():
            self.resembling = other.resembling
        self._take_over_columns(self.magnitudes, other, other.magnitudes)
        self._take_over_columns(self.means, other, other.means)

    def _take_over_columns(self, averages: list[Tensor], other: WatchedLayer, known: list[Tensor]) -> None:
        """Copies averages of readers' columns; readers may have come or gone."""
        by_name = dict(zip((port.name for port in other.layer.read_by), known, strict=False))
        for port, average in zip(self.layer.read_by, averages, strict=False):
            old = by_name.get(port.name)
            if old is not None and old.shape == average.shape:
                average.copy_(old)

    def _shapes(self) -> list[torch.Size]:
        return [port.weight.shape for port in self.layer.produced_by]

    def remove(self) -> None:
        """Takes the hooks off the readers."""
        for recorder in self.recorders:
            recorder.remove()

    def clear(self) -> None:
        """Lets go of what the recorders saw."""
        for recorder in self.recorders:
            recorder.clear()

    def initialisers(self) -> list[Callable[..., Any]]:
        """For each producer how its weights are drawn."""
        return [self.initialiser or self.resembling[place] for place in range(len(self.layer.produced_by))]

    def state_dict(self) -> dict[str, Any]:
        """The state that is needed to go on exactly: tensors, numbers and lists only."""
        return {
            "average": self.average,
            "birth": self.birth,
            "magnitudes": list(self.magnitudes),
            "means": list(self.means),
            "budget": self.budget.state_dict(),
            "resembling": [[fit.std, str(fit.spread)] for fit in self.resembling],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state, written into the tensors that are in use."""
        for name in ("average", "birth"):
            getattr(self, name).copy_(state[name])
        for averages, saved in ((self.magnitudes, state["magnitudes"]), (self.means, state["means"])):
            for average, value in zip(averages, saved, strict=True):
                average.copy_(value)
        self.budget.load_state_dict(state["budget"])
        self.resembling = [Resembling(float(std), Spread(spread)) for std, spread in state["resembling"]]


def _zeros_per_column(port: Port) -> Float[Tensor, " columns"]:
    return torch.zeros(port.weight.shape[1], dtype=state_dtype(port.weight), device=port.weight.device)
