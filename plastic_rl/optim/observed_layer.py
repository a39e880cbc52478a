"""The record that every method that replaces units keeps of a layer: recorders, births, how newborns are drawn."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from plastic_rl.initialisers import Resembling, Spread
from plastic_rl.layers import HiddenLayer, Resizing
from plastic_rl.optim.fresh_rows import check_initialiser
from plastic_rl.optim.network_watch import AGAIN
from plastic_rl.optim.recorder import Recorder
from plastic_rl.optim.watching import state_dtype

logger = logging.getLogger(__name__)

Hears = TypeVar("Hears", bound=Recorder)


class ObservedLayer(Generic[Hears]):
    """The recorders of one layer, its units' times of birth, and the distribution of fresh weights.

    Args:
        layer: the group of units.
        recorders: what hears its units, one at each reader; none for a method that looks at weights alone.
        initialiser: how newborn units' weights are drawn; None resembles each producer's weights as they are now.
    """

    def __init__(self, layer: HiddenLayer, recorders: Sequence[Hears], initialiser: Callable[..., Any] | None) -> None:
        self.layer, self.recorders, self.initialiser = layer, list(recorders), initialiser
        if initialiser is None:
            self.resembling = [Resembling.of(port.weight) for port in layer.produced_by]
        else:
            self.resembling = list[Resembling]()
            for port in layer.produced_by:
                check_initialiser(port, initialiser)
        self.known_unheard: set[str] = set()
        weight = layer.produced_by[0].parameter
        self.dtype = state_dtype(weight)
        self.birth: Float[Tensor, " units"] = torch.zeros(layer.units, device=weight.device)

    def follow(self) -> bool:
        """Goes to where the network has gone (`network.to(device)`), in numbers of its kind (`network.double()`).

        Returns:
            True if it has gone anywhere.

        Raises:
            RuntimeError: it has gone where there are no numbers.
        """
        weight = self.layer.produced_by[0].parameter
        device, dtype = weight.device, state_dtype(weight)
        if dtype == self.dtype and device == self.birth.device:
            return False
        if weight.is_meta:
            raise RuntimeError(f"the weights of `{self.layer.name}` are on the meta device now: they have no numbers")
        self.move(device, dtype)
        return True

    def move(self, device: torch.device, dtype: torch.dtype) -> None:
        """Goes on in numbers of another kind, or on another device."""
        self.dtype, self.birth = dtype, self.birth.to(device)
        for recorder in self.recorders:
            recorder.move(device, dtype)

    def listen(self, is_wanted: bool) -> None:
        """Lets the recorders take note of the next update, or not."""
        for recorder in self.recorders:
            recorder.listen(is_wanted)

    def clear(self) -> None:
        """Lets go of what the recorders saw."""
        for recorder in self.recorders:
            recorder.clear()

    def remove(self) -> None:
        """Takes the hooks off the readers."""
        for recorder in self.recorders:
            recorder.remove()

    def check_heard(self) -> None:
        """Finds out whether the readers have run since units of the layer were last replaced.

        Raises:
            RuntimeError: none of them has, so that the utility of its units stands still.
        """
        unheard = [recorder.port.name for recorder in self.recorders if not recorder.was_heard]
        if self.recorders and len(unheard) == len(self.recorders):
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

    def initialisers(self) -> list[Callable[..., Any]]:
        """For each producer how its weights are drawn."""
        return [self.initialiser or self.resembling[place] for place in range(len(self.layer.produced_by))]

    def renew(self, units: Int[Tensor, " k"], step: int) -> None:
        """Starts the units' lives anew after update number ``step``."""
        self.birth.index_fill_(0, units, step)

    # A network whose layers were found anew.

    def begin(self, step: int) -> None:
        """All units are born after update number ``step``."""
        self.birth.fill_(step)

    def take_over(self, other: ObservedLayer[Hears]) -> None:
        """Goes on from what was kept of the same units, as far as shapes agree."""
        self.birth.copy_(other.birth)
        if self._shapes() == other._shapes():
            self.resembling = other.resembling

    def _shapes(self) -> list[torch.Size]:
        return [port.weight.shape for port in self.layer.produced_by]

    # Units that come and go.

    def resize(self, resizing: Resizing, step: int) -> None:
        """Goes on with the units that stay; newborn ones are born after update number ``step``."""
        self.clear()
        if resizing.concerns(self.layer):
            self.birth = resizing.units.of(self.birth, float(step))

    # State.

    def state_dict(self) -> dict[str, Any]:
        """The state that is needed to go on exactly: tensors, numbers and lists only."""
        return {"birth": self.birth, "resembling": [[fit.std, str(fit.spread)] for fit in self.resembling]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state, written into the tensors that are in use.

        Raises:
            ValueError: the layer had another width then.
        """
        if len(state["birth"]) != self.layer.units:
            raise ValueError(
                f"`{self.layer.name}` has {self.layer.units} units here and {len(state['birth'])} in the saved state: "
                "make it as wide first, plastic_rl.nn.dynamic.fit(layers, optimizer, saved state of the network)"
            )
        self.birth.copy_(state["birth"])
        self.resembling = [Resembling(float(std), Spread(spread)) for std, spread in state["resembling"]]
