"""Growth on a schedule: hidden layers that begin narrow, gain newborn units up to a ceiling, and let useless ones go.

Ours, on the pattern of Sutton's "dynamic deep learning" (2024), of which there is no paper and no code: units are born
silent, live by their utility, and leave. Utility, maturity and the newborn unit itself are those of continual backprop
(Dohare et al., Nature 632, 2024), of which growth is the form for layers that are not full yet. No fringe and no shadow
weights: those are :class:`plastic_rl.nn.dynamic.DynamicNetwork`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.choices import Mode, Utility
from plastic_rl.layers import HiddenLayer, check_resizable
from plastic_rl.nn.dynamic.pruning import prune
from plastic_rl.nn.dynamic.widening import widen
from plastic_rl.optim import UnitReplacer
from plastic_rl.optim.budget import Budget
from plastic_rl.optim.capturable import is_capturing
from plastic_rl.optim.continual_backprop import bias_corrected, observed
from plastic_rl.optim.events import UnitsReplaced
from plastic_rl.optim.occasional import idle
from plastic_rl.optim.resizing import check_follows
from plastic_rl.optim.unit_replacer import parameters_of
from plastic_rl.optim.watched_layer import WatchedLayer
from plastic_rl.validation import at_least, fraction, non_negative, whole_number


def leaving(
    utility: Float[Tensor, " units"],
    age: Float[Tensor, " units"],
    *,
    maturity: int,
    threshold: float,
    count: int,
    makes_room: bool,
) -> Int[Tensor, " k"]:
    """The units that leave, at most ``count``, the least useful first: none that is not older than ``maturity``.

    Those whose utility is at most ``threshold`` times the mean of the mature units; where room has to be made, the
    least useful of the mature units, whatever their utility.
    """
    mature = age > maturity
    mean = (utility * mature).sum() / mature.sum().clamp(min=1)
    may_leave = mature & (utility <= mean * threshold) if not makes_room else mature
    order = utility.masked_fill(~may_leave, torch.inf).argsort(stable=True)
    return order[: min(count, int(may_leave.sum()))]


class GrowingLayers(UnitReplacer[WatchedLayer]):
    """Every so many updates, lets each hidden layer gain units up to a ceiling, and lose those that are of no use.

    ::

        optimizer = GrowingLayers(torch.optim.Adam(network.parameters()), layers[:1], ceiling=64)  # no LayerNorm

    A newborn unit is silent, so that what the network computes does not change when it is born
    (:func:`plastic_rl.nn.dynamic.widen`), and is safe until it is mature. A unit leaves when its utility falls below a
    share of the mean of its layer; in a layer that has reached the ceiling newborn units take the places of the least
    useful mature ones, where ``turnover`` says so: this is continual backprop then, at the rate of the births.

    It must be the outermost of a stack. A saved state is loaded into a network that is as wide as the saved one:
    :func:`plastic_rl.nn.dynamic.fit`; under Stable-Baselines3 ``net_arch`` of the saved model says how wide that is.

    Args:
        optimizer: what moves the parameters. torch's Adam and AdamW are given a clock for single units.
        layers: the groups of units, linear or convolutional, each of which may be of another width.
        ceiling: the width to which each layer may grow.
        every: updates from one birth to the next; 0 for none, which leaves the optimiser bit for bit alone.
        births: how many units a layer gains at once.
        maturity_threshold: a unit may leave once it is older than this many updates.
        retire_below: τ, of the mean utility of the mature units of a layer; a unit of no more than that leaves. With 0
            units leave that do nothing at all.
        turnover: whether the least useful mature units of a full layer make room for newborn ones.
        decay_rate: η of the running utility.
        initialiser: fills newborn units' weights; None resembles the layer's weights at construction.
        seed: of the draws; None takes torch's initial seed. The global random-number stream is never touched.

    Raises:
        ValueError: for a hyper-parameter out of its range, no layers, layers that the optimiser does not train or whose
            width cannot change, layers beyond the ceiling, or an optimiser or a method inside that cannot follow.
    """

    label = "growth"
    prefix = "growth"

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Iterable[HiddenLayer] = (),
        *,
        ceiling: int = 64,
        every: int = 40,
        births: int = 1,
        maturity_threshold: int = 500,
        retire_below: float = 0.01,
        turnover: bool = True,
        decay_rate: float = 0.99,
        initialiser: Callable[..., Any] | None = None,
        seed: int | None = None,
    ) -> None:
        self.ceiling, self.births = int(at_least("ceiling", 1, ceiling)), int(at_least("births", 1, births))
        self.every, self.maturity = whole_number("every", every), whole_number("maturity_threshold", maturity_threshold)
        self.retire_below, self.turnover = non_negative("retire_below", retire_below), turnover
        self.decay_rate, self.initialiser = fraction("decay_rate", decay_rate), initialiser
        self.rewires = bool(self.every)  # what is copied weight by weight would have to grow at the same time
        super().__init__(optimizer, layers, seed=seed)
        self.memory |= {"born": {}, "retired": {}}
        for layer in self.layers if self.every else ():
            self._check(layer)
        self.watched = self.watching()
        self.begin()

    def _check(self, layer: HiddenLayer) -> None:
        check_resizable(layer)
        check_follows(self.optimizer, layer, bears=True)
        if layer.units > self.ceiling:
            raise ValueError(f"`{layer.name}` has {layer.units} units already, and the ceiling is {self.ceiling}")

    @property
    def resized_layers(self) -> Sequence[HiddenLayer]:
        return () if self.is_off else self.layers

    def watching(self) -> list[WatchedLayer]:
        return [self._watch(layer) for layer in self.layers]

    def _watch(self, layer: HiddenLayer) -> WatchedLayer:
        budget = Budget(layer.units, rate=0.0, maturity=self.maturity)  # a rate is none of ours; who is mature is
        kind = {"utility": Utility.contribution, "mode": Mode.exact, "keeps_mean": False}
        return WatchedLayer(layer, budget, **kind, initialiser=self.initialiser)  # pyright: ignore[reportArgumentType]

    # What happens after each step.

    def after_step(self) -> None:
        if is_capturing():
            raise RuntimeError("a CUDA graph cannot be captured of a network whose layers change their width")
        for watched in self.watched:
            watched.follow()
        self._observe()
        falls_due = self.falls_due()
        self.count_step()
        if falls_due:
            self._turn(self.memory["step"])
        for watched in self.watched:
            watched.clear()

    def _observe(self) -> None:
        """Takes the contributions of this update into the running utilities."""
        pairs = [pair for watched in self.watched for pair in observed(watched, None)]
        if pairs:
            averages, latest = zip(*pairs, strict=True)
            torch._foreach_lerp_(averages, latest, 1 - self.decay_rate)  # pyright: ignore[reportPrivateImportUsage]

    def _turn(self, step: int) -> None:
        """Lets units of all layers that train leave and be born."""
        trained = parameters_of(self.optimizer)
        active = [watched for watched in self.watched if not self.is_frozen(watched.layer, trained)]
        self.network_watch.check([watched.layer for watched in active])
        events = list[UnitsReplaced]()
        for watched in active:
            watched.check_heard()
            if self.turnover and watched.layer.units == self.ceiling:
                events += self._renew(watched, step)
            else:
                self._retire(watched, step)
                self._bear(watched, step)
        self.announce(events)

    def _renew(self, watched: WatchedLayer, step: int) -> Iterator[UnitsReplaced]:
        """Has newborn units take the places of those that leave a full layer."""
        layer, utility, age = watched.layer, self._utility(watched, step), step - watched.birth
        units = self._leaving(watched, utility, age, makes_room=True)
        if not len(units):
            return
        source = self.draw_generator(layer, step, watched.birth.device)
        self.renew_units(layer, units, watched.initialisers(), source)
        watched.renew(units, step)
        watched.budget.resettle(watched.birth.tolist(), step)
        self._count("retired", layer, len(units))
        self._count("born", layer, len(units))
        yield UnitsReplaced(step, layer, units, utility, age)

    def _utility(self, watched: WatchedLayer, step: int) -> Float[Tensor, " units"]:
        return bias_corrected(watched.average, step - watched.birth, self.decay_rate)

    def _leaving(self, watched: WatchedLayer, utility: Tensor, age: Tensor, *, makes_room: bool) -> Tensor:
        count = min(self.births, watched.layer.units - 1)
        named = {"maturity": self.maturity, "threshold": self.retire_below, "count": count}
        return leaving(utility, age, **named, makes_room=makes_room)  # pyright: ignore[reportArgumentType]

    def _retire(self, watched: WatchedLayer, step: int) -> None:
        units = self._leaving(watched, self._utility(watched, step), step - watched.birth, makes_room=False)
        if len(units):
            prune(watched.layer, units, self)
            self._count("retired", watched.layer, len(units))

    def _bear(self, watched: WatchedLayer, step: int) -> None:
        layer = watched.layer
        units = min(self.births, self.ceiling - layer.units)
        if units > 0:
            seed = self.source(layer, step, "born").getrandbits(63)
            widen(layer, units, self, initialiser=watched.initialisers()[0], seed=seed)
            self._count("born", layer, units)

    def _count(self, what: str, layer: HiddenLayer, units: int) -> None:
        self.memory[what][layer.name] = self.memory[what].get(layer.name, 0) + units

    # When it happens.

    @property
    def is_off(self) -> bool:
        return not self.every

    def falls_due(self) -> bool:
        return not self.is_off and (self.memory["step"] + 1) % self.every == 0

    def count_step(self) -> None:
        self.memory["step"] += 1

    def catch_up(self) -> None:
        for watched in self.watched:
            for recorder in watched.recorders:
                recorder.listen(not self.is_off)

    # What a host may ask.

    def concerns(self, updates: int | None = None) -> Iterator[str]:
        yield from idle(self, self.every, updates)
        full = [layer.name for layer in self.layers if layer.units >= self.ceiling]
        if full and not self.turnover and not self.retire_below:
            yield f"{', '.join(full)}: as wide as the ceiling of {self.ceiling}, and only units that do nothing leave."
        yield from self.concern_about_frozen()

    def metrics(self) -> dict[str, int | float]:
        """The width of each layer now, and units born and retired so far, in all and by layer."""
        numbers: dict[str, int | float] = {}
        of_layers = {"units": {layer.name: layer.units for layer in self.layers}}
        of_layers |= {what: self.memory[what] for what in ("born", "retired")}
        for what, counts in of_layers.items():
            numbers[f"growth/{what}"] = sum(counts.values())
            numbers |= {f"growth/{what}/{layer.name}": counts.get(layer.name, 0) for layer in self.layers}
        return {**super().metrics(), **numbers}

    def load_memory(self, memory: dict[str, Any]) -> None:
        super().load_memory(memory)
        for what in ("born", "retired"):
            self.memory[what] = {str(name): int(count) for name, count in memory[what].items()}
