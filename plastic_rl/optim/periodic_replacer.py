"""Methods that look at hidden units every so many updates, and replace all of which a score says that they are idle."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer
from plastic_rl.optim.capturable import is_capturing
from plastic_rl.optim.events import UnitForecast, UnitsReplaced
from plastic_rl.optim.observed_layer import ObservedLayer
from plastic_rl.optim.unit_replacer import UnitReplacer, parameters_of
from plastic_rl.validation import whole_number

Watched = TypeVar("Watched", bound=ObservedLayer[Any])


class PeriodicReplacer(UnitReplacer[Watched]):
    """A method that looks at the units of each layer every ``every`` updates, after the step.

    A subclass says what it hears of a layer (:meth:`watching`), how it scores units (:meth:`score`), and which of them
    it condemns (:meth:`condemned`). Between two looks nothing is heard and no device is asked; a look asks once, how
    many units of each layer are condemned.

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
        audit_size: int,
        seed: int | None,
    ) -> None:
        self.every, self.initialiser = whole_number("every", every), initialiser
        super().__init__(
            optimizer, layers, forget_optimizer_state=forget_optimizer_state, audit_size=audit_size, seed=seed
        )
        self.memory["replaced"] = {layer.name: 0 for layer in self.layers}
        self.watched = self.watching()
        self.begin()

    _is_listening: bool | None = None

    # What a subclass says.

    @abstractmethod
    def score(self, watched: Watched) -> Float[Tensor, " units"] | None:
        """The score of each unit of a layer after this update; None where nothing was heard of it."""

    @abstractmethod
    def condemned(self, watched: Watched, score: Float[Tensor, " units"]) -> Bool[Tensor, " units"]:
        """Which units are to be replaced."""

    def observe(self) -> None:
        """Takes note of an update, for methods that must see every one."""

    # The loop.

    def after_step(self) -> None:
        for watched in self.watched:
            watched.follow()
        self.observe()
        if is_capturing():
            self.check_capture()
        else:
            if self.falls_due():
                self.look(self.memory["step"] + 1)
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

    def _look_ahead(self) -> None:
        """Listens where the next update is looked at, to all layers or to none: a compiled network has two versions."""
        is_wanted = self.falls_due()
        if self._is_listening != is_wanted:
            self._is_listening = is_wanted
            for watched in self.watched:
                watched.listen(is_wanted)

    def look(self, step: int) -> None:
        """Scores the units of all layers that train, and replaces those that are condemned."""
        trained = parameters_of(self.optimizer)
        active = [watched for watched in self.watched if not self.is_frozen(watched.layer, trained)]
        scores = [self.score(watched) for watched in active]
        scored = [(watched, score) for watched, score in zip(active, scores, strict=True) if score is not None]
        masks = [self.condemned(watched, score) for watched, score in scored]
        counts = torch.stack([mask.sum() for mask in masks]).tolist() if masks else []  # the one question to the device
        due = [each for each, count in zip(zip(scored, masks, strict=True), counts, strict=True) if count]
        unheard = [watched for watched, score in zip(active, scores, strict=True) if score is None]
        if due or unheard:
            self.network_watch.check([watched.layer for watched in active])
        for watched in [*unheard, *(watched for (watched, _), _ in due)]:
            watched.check_heard()
        self.announce([self._replace(watched, score, mask, step) for (watched, score), mask in due])

    def _replace(self, watched: Watched, score: Tensor, mask: Tensor, step: int) -> UnitsReplaced:
        units, age = mask.nonzero().flatten(), step - watched.birth
        source = self.draw_generator(watched.layer, step, watched.birth.device)
        self.renew_units(watched.layer, units, watched.initialisers(), source)
        watched.renew(units, step)
        replaced = self.memory["replaced"]
        replaced[watched.layer.name] = replaced.get(watched.layer.name, 0) + len(units)
        return UnitsReplaced(step, watched.layer, units, score, age)

    # What a host may ask.

    def forecast(self) -> list[UnitForecast]:
        """The first look at each layer; what comes of it, its scores say."""
        return [
            UnitForecast(layer.name, layer.units, None, 0.0, self.label)
            if self.is_off or self.is_frozen(layer)
            else UnitForecast(layer.name, layer.units, self.every, None, self.label)
            for layer in self.layers
        ]

    def concerns(self, updates: int | None = None) -> Iterator[str]:
        if not self.every:
            yield "every is 0: no unit is ever replaced."
        elif updates is not None and updates < self.every:
            yield (
                f"The run has {updates:,} updates and {self.label} looks every {self.every:,}: no unit is replaced "
                "before it ends. Lower every."
            )
        yield from self.concern_about_frozen()
        yield from super().concerns(updates)

    def metrics(self) -> dict[str, int | float]:
        """Units replaced so far, in all and by layer."""
        counts = {layer.name: self.memory["replaced"].get(layer.name, 0) for layer in self.layers}
        by_layer = {f"{self.prefix}/replaced/{name}": count for name, count in counts.items()}
        return {**super().metrics(), f"{self.prefix}/replaced": sum(counts.values()), **by_layer}

    # State.

    def load_memory(self, memory: dict[str, Any]) -> None:
        self.memory["replaced"] = {str(name): int(count) for name, count in memory["replaced"].items()}
        super().load_memory(memory)
