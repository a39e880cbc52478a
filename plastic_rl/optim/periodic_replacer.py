"""Methods that look at hidden units every so many updates."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, TypeVar

from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer
from plastic_rl.optim.capturable import is_capturing
from plastic_rl.optim.events import UnitForecast
from plastic_rl.optim.observed_layer import ObservedLayer
from plastic_rl.optim.unit_replacer import UnitReplacer, parameters_of
from plastic_rl.validation import whole_number

Watched = TypeVar("Watched", bound=ObservedLayer[Any])


class PeriodicReplacer(UnitReplacer[Watched]):
    """A method that looks at the units of each layer every ``every`` updates, after the step.

    Between two looks nothing is heard, but for what a method must see of every update (:meth:`observe`).

    Args:
        optimizer: what moves the parameters.
        layers: the groups of units.
        every: updates between two looks; 0 never looks.
        initialiser: fills newborn units' weights; None resembles the layer's weights at construction.
        forget_optimizer_state: forget the moments of replaced units.
        audit_size: how many of the latest replacements :meth:`replacements` can tell of; 0 keeps none.
        seed: of the draws; None takes torch's initial seed.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Iterable[HiddenLayer],
        *,
        every: int,
        initialiser: Callable[..., Any] | None,
        forget_optimizer_state: bool,
        audit_size: int = 0,
        seed: int | None,
    ) -> None:
        self.every, self.initialiser = whole_number("every", every), initialiser
        super().__init__(
            optimizer, layers, forget_optimizer_state=forget_optimizer_state, audit_size=audit_size, seed=seed
        )
        self.watched = self.watching()
        self.begin()

    delay: ClassVar[str] = "every"
    """The setting that says when it first does something."""

    _is_listening: bool | None = None

    @abstractmethod
    def look(self, step: int, active: list[Watched]) -> None:
        """Does what falls due after update number ``step``, to the layers that train."""

    def observe(self) -> None:
        """Takes note of an update."""

    def after_step(self) -> None:
        if any([watched.follow() for watched in self.watched]):
            self.moved()
        self.observe()
        if is_capturing():
            self.check_capture()
        else:
            if self.falls_due():
                trained = parameters_of(self.optimizer)
                active = [watched for watched in self.watched if not self.is_frozen(watched.layer, trained)]
                self.look(self.memory["step"] + 1, active)
            self.count_step()
        for watched in self.watched:
            watched.clear()

    @property
    def is_off(self) -> bool:
        return not self.every

    def falls_due(self) -> bool:
        return not self.is_off and (self.memory["step"] + 1) % self.every == 0

    def count_step(self) -> None:
        self.memory["step"] += 1
        self._look_ahead()

    def catch_up(self) -> None:
        self._is_listening = None
        self._look_ahead()

    def hears_next(self) -> bool:
        """True if activations of the next update count."""
        return self.falls_due()

    def _look_ahead(self) -> None:
        """Listens to all layers or to none: a compiled network then has two versions."""
        is_wanted = self.hears_next()
        if self._is_listening != is_wanted:
            self._is_listening = is_wanted
            for watched in self.watched:
                watched.listen(is_wanted)

    # What a host may ask.

    @property
    def earliest(self) -> int:
        """The first update after which something may happen."""
        return self.every

    def forecast(self) -> list[UnitForecast]:
        """The first look at each layer; what comes of it, its scores say."""
        return [
            UnitForecast(layer.name, layer.units, None, 0.0, self.label)
            if self.is_off or self.is_frozen(layer)
            else UnitForecast(layer.name, layer.units, self.earliest, None, self.label)
            for layer in self.layers
        ]

    def concerns(self, updates: int | None = None) -> Iterator[str]:
        if not self.every:
            yield "every is 0: no unit is ever looked at."
        elif updates is not None and updates < self.earliest:
            yield (
                f"The run has {updates:,} updates, and by {self.label} nothing is done before update "
                f"{self.earliest:,}. Lower {self.delay}."
            )
        yield from self.concern_about_frozen()
        yield from super().concerns(updates)
