"""Methods that replace units at a rate: how many fall due is known on the host, one update ahead."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

from torch import Tensor

from plastic_rl.choices import Rounding
from plastic_rl.layers import HiddenLayer
from plastic_rl.optim.budget import Budget
from plastic_rl.optim.events import UnitForecast
from plastic_rl.optim.unit_replacer import UnitReplacer, parameters_of
from plastic_rl.optim.watched_layer import WatchedLayer


class BudgetedReplacer(UnitReplacer[WatchedLayer]):
    """A method that watches layers and has a budget of replacements for each; whom they fall on is its own choice.

    Args:
        optimizer: what moves the parameters.
        layers: the groups of units.
        settings: those of :class:`plastic_rl.optim.unit_replacer.UnitReplacer`.
    """

    decay_rate: float
    """η of the running averages."""

    _upcoming: list[int]
    _frozen: list[bool]
    _is_listening: bool | None = None

    @abstractmethod
    def observed(self) -> list[tuple[Tensor, Tensor]]:
        """Each running average, with what it takes in of the last update."""

    @abstractmethod
    def centre(self, step: int) -> None:
        """Lets activations be taken relative to their running means after update number ``step``."""

    @abstractmethod
    def replace_due(self, step: int) -> None:
        """Replaces the units that fall due after update number ``step``."""

    @property
    def budgets(self) -> list[Budget]:
        """The running account of each layer."""
        return [watched.budget for watched in self.watched]

    def listen(self, falls_due: bool) -> None:
        """Lets the layers hear of the next update what is needed; units fall due after it or not."""
        for watched in self.watched:
            watched.listen(falls_due)

    def falls_due(self) -> bool:
        return any(self._upcoming)

    def count_step(self) -> None:
        self.memory["step"] += 1
        for budget, count, is_frozen in zip(self.budgets, self._upcoming, self._frozen, strict=True):
            if not is_frozen:
                budget.settle(self.memory["step"], count)
        self.look_ahead()

    @property
    def is_off(self) -> bool:
        return not any(budget.rate for budget in self.budgets)

    def catch_up(self) -> None:
        self.centre(self.memory["step"])
        self._is_listening = None
        self.look_ahead()

    def due(self) -> list[tuple[WatchedLayer, int]]:
        """The layers of which units fall due, each with their number: none that no longer trains.

        Raises:
            RuntimeError: the network is no longer the one that the layers were found in.
        """
        trained, due = parameters_of(self.optimizer), []
        for place, watched in enumerate(self.watched):
            if self._upcoming[place] and self.is_frozen(watched.layer, trained):  # since the last look ahead
                self._frozen[place], self._upcoming[place] = True, 0
            elif self._upcoming[place]:
                due.append((watched, self._upcoming[place]))
        if due:
            self.network_watch.check([watched.layer for watched, _ in due])
        for watched, _ in due:
            watched.check_heard()
        return due

    def look_ahead(self) -> None:
        """Finds out how many units of each layer will be replaced after the next update, and listens for them.

        All layers are listened to or none is: a compiled network then has two versions and not one for each set.
        """
        step = self.memory["step"] + 1
        self._frozen = [self.is_frozen(layer) for layer in self.layers]
        self._upcoming = [
            0 if is_frozen else budget.upcoming(step, self._chance(layer, budget, step))
            for layer, budget, is_frozen in zip(self.layers, self.budgets, self._frozen, strict=True)
        ]
        if self._is_listening != any(self._upcoming):
            self._is_listening = any(self._upcoming)
            self.listen(self._is_listening)

    def _chance(self, layer: HiddenLayer, budget: Budget, step: int) -> float:
        """The draw that Bernoulli rounding needs for a layer after update number ``step``."""
        return self.source(layer, step, "due").random() if budget.rounding is Rounding.bernoulli else 0.0

    def forecast(self) -> list[UnitForecast]:
        """The future of each layer, as long as what trains now goes on and the rest does not."""
        return [
            UnitForecast(layer.name, layer.units, None, 0.0, self.label)
            if is_frozen
            else UnitForecast(layer.name, layer.units, budget.first_due, 1000 * budget.long_run, self.label)
            for layer, budget, is_frozen in zip(self.layers, self.budgets, self._frozen, strict=True)
        ]

    def concerns(self, updates: int | None = None) -> Iterator[str]:
        if any(budget.first_due is None for budget in self.budgets):
            yield "replacement_rate is 0: no unit is ever replaced."
        yield from self.concern_about_frozen()
        late = [layer.name for layer in self.forecast() if updates is not None and (layer.first_update or 0) > updates]
        if late:
            maturity = self.budgets[0].maturity
            who = "no unit" if len(late) == len(self.layers) else f"no unit of {', '.join(late)}"
            yield (
                f"The run has {updates:,} updates and the maturity threshold is {maturity:,}: {who} is replaced before "
                "it ends. Lower maturity_threshold or raise replacement_rate."
            )
        yield from super().concerns(updates)
