"""The complaints about a layer beside that of fresh networks, and what to do about them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from plastic_rl import nn, optim
from plastic_rl.doctor.figures import Figures

# So many units of a layer more than in a fresh network are a complaint, and so many of them at least: in narrow layers
# chance makes up to three. Dormancy comes and goes in healthy critics too.
MANY_STUCK, MANY_DORMANT, SOME_UNITS = 0.2, 0.3, 4

# So few of the directions beyond the first are left, or so many times as large are the weights. Healthy models of PPO,
# DQN and SAC, trained for some minutes, kept 0.3 and had grown to 2; two fresh networks differ to 0.6 and 1.4.
DIRECTIONS_LEFT, GROWN = 0.2, 3.0


class Symptom(StrEnum):
    """The kinds of complaints."""

    broken = "broken"  # weights or activations that are no finite numbers
    dead = "dead"
    saturated = "saturated"
    dormant = "dormant"
    collapsed = "collapsed"  # activations vary in few directions
    grown = "grown"  # weights


@dataclass(frozen=True)
class LayerExamination:
    """One layer beside those of fresh networks on the same observations.

    Args:
        name: where the layer is in the network.
        units: its width.
        now: its figures.
        fresh: their means over the fresh networks.
        worst: the worst of each in any of the fresh networks.
    """

    name: str
    units: int
    now: Figures
    fresh: Figures
    worst: Figures

    @property
    def growth(self) -> float:
        """The weights as a multiple of those of the fresh networks."""
        return self.now.weights / max(self.fresh.weights, 1e-30)

    def symptoms(self) -> Iterator[Symptom]:
        """The kinds of things worse here than in any of the fresh networks, the cause before what follows from it."""
        now, fresh = self.now, self.worst
        if not math.isfinite(now.directions):
            yield Symptom.broken
            return
        stuck = [Symptom.dead] if self._more(now.dead, fresh.dead, MANY_STUCK) else []
        stuck += [Symptom.saturated] if self._more(now.saturated, fresh.saturated, MANY_STUCK) else []
        yield from stuck
        if not stuck and self._more(now.dormant, fresh.dormant, MANY_DORMANT):  # dead units are dormant too
            yield Symptom.dormant
        if not stuck and now.directions - 1 <= DIRECTIONS_LEFT * (fresh.directions - 1):  # and have no directions
            yield Symptom.collapsed
        if self.growth >= GROWN:
            yield Symptom.grown

    def _more(self, now: float | None, fresh: float | None, many: float) -> bool:
        if now is None or fresh is None:
            return False
        units = round((now - fresh) * self.units)
        return units >= many * self.units and units >= min(SOME_UNITS, self.units)


@dataclass(frozen=True)
class Complaint:
    """Something amiss with some layers.

    Args:
        symptom: of what kind it is.
        layers: their names.
        text: the same in words, with what to do.
    """

    symptom: Symptom
    layers: list[str]
    text: str


def complaints(layers: Sequence[LayerExamination], methods: Collection[str] = ()) -> list[Complaint]:
    """The complaints about a network, each kind once.

    Args:
        layers: of the network.
        methods: the names of the plasticity methods that train it already.
    """
    found: dict[Symptom, list[str]] = {}
    for layer in layers:
        for symptom in layer.symptoms():
            found.setdefault(symptom, []).append(layer.name)
    return [complaint(symptom, found[symptom], methods) for symptom in Symptom if symptom in found]


def complaint(symptom: Symptom, names: list[str], methods: Collection[str] = ()) -> Complaint:
    """The complaint about some layers, or parameters, with what to do."""
    return Complaint(symptom, names, f"{', '.join(names)}: {_advice(methods)[symptom]}")


def _advice(methods: Collection[str]) -> dict[Symptom, str]:
    replacing = [name for name in methods if replaces_units(name)]
    replace = "replace them (plastic_rl.optim.ContinualBackprop)"
    if replacing:
        replace = f"{', '.join(replacing)} is at work, but too seldom or too late for these (see its rate and maturity)"
    return {
        Symptom.broken: "numbers that are not finite: the training has diverged; go back to an earlier model, with a "
        "smaller learning rate.",
        Symptom.dead: f"many dead units, which give nothing and learn nothing: {replace}.",
        Symptom.saturated: "many saturated units, which learn nothing: keep what they take in small (normalise "
        "observations, decay weights, a smaller learning rate).",
        Symptom.dormant: f"many dormant units: {replace}.",
        Symptom.collapsed: "activations vary in few directions: more units would not help; decay weights, or try a "
        "smaller learning rate.",
        Symptom.grown: "weights have grown: draw them back (plastic_rl.optim.L2Init), or decay them.",
    }


def replaces_units(method: str) -> bool:
    """True if a method, by the name of its class, replaces units; one that nobody knows is taken to do so."""
    kind = getattr(optim, method, None) or getattr(nn, method, None)
    return not isinstance(kind, type) or issubclass(kind, optim.UnitReplacer)
