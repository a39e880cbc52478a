"""Inputs around patterns: is a feature that is imprinted on an input better than one that was drawn or learned?

`env=prototypes`, 40,000 examples, on which a pattern is replaced every 250; the same without replacement; and the
control, inputs without patterns, on which imprinting must not help. 120 units. Settings were chosen on seeds 100 to
104, on patterns that are replaced, and are the same on all three. Imprinted units here stand in a layer of fixed size,
with an output whose step sizes are learned; `agent=dynamic_imprint` is not that.

python -m experiments.imprinting            # runs what is missing, then draws
"""

from __future__ import annotations

from collections.abc import Mapping

from envs.prototypes import Prototypes
from experiments.online.imprinting import NovelAndWrong
from experiments.online.makes import Backprop, Features, Make, adam, sgd
from experiments.online.study import OnlineArm, OnlineStudy
from experiments.online.tables import Target, mean_of
from experiments.online.words import Fresh
from experiments.study import main

TAIL = "last fifth"
UNITS = 120
MATURE = {"maturity": 200, "decay": 0.999}
STREAMS: Mapping[str, Prototypes] = {
    "replaced": Prototypes(),
    "still": Prototypes(changes=False),
    "no patterns": Prototypes(clustered=False),
}


def imprinted(**settings: object) -> Features:
    """Units that are imprinted, each on at 60 % of the square of its weights' length."""
    bits = Prototypes().bits
    replace = {**MATURE, "fresh": Fresh.imprint, "threshold": 0.6, **settings}
    return Features(UNITS, replace=replace, threshold=0.6 * bits)


def periodic(interval: int) -> Features:
    """One unit imprinted about every so many examples, on whatever comes."""
    rate = 1 / (interval * UNITS - MATURE["maturity"])  # of those that are mature, as many as interval leaves
    return imprinted(rate=rate)


LEARNERS: Mapping[str, Make] = {
    "adam": Backprop(UNITS, adam(1e-3)),
    "sgd": Backprop(UNITS, sgd(1e-3)),
    "drawn": Features(UNITS, replace={**MATURE, "rate": 5e-3, "fresh": Fresh.signs}),
    "imprinted periodically": periodic(20),
    "imprinted if novel and wrong": imprinted(kind=NovelAndWrong, rate=0.0),
}


def arm(learner: str, panel: str, make: Make, *, starts_over: bool = False) -> OnlineArm:
    """A learner on one of the streams."""
    stream = STREAMS[panel]
    return OnlineArm(f"{learner}, {panel}", stream=stream, make=make, starts_over=starts_over, panel=panel)


STUDY = OnlineStudy(
    name="imprinting",
    title="Prototypes",
    arms=(
        *(arm(name, panel, make) for panel in STREAMS for name, make in LEARNERS.items()),
        arm("adam fresh", "replaced", Backprop(UNITS, adam(1e-3)), starts_over=True),
    ),
    tried=(
        *(arm(f"adam {rate:g}", "replaced", Backprop(UNITS, adam(rate))) for rate in (3e-4, 1e-3, 3e-3)),
        *(arm(f"sgd {rate:g}", "replaced", Backprop(UNITS, sgd(rate))) for rate in (3e-4, 1e-3, 3e-3)),
    ),
    baseline="adam, replaced",
    fresh="adam fresh, replaced",
    seeds=range(20),
    stretch=2000,
    changes_after=1,
    measures=(mean_of(TAIL, -4), mean_of("average over life")),
    targets=(
        Target(arm="imprinted if novel and wrong, replaced", measure=TAIL, at_most=0.045),
        Target(arm="imprinted periodically, still", measure=TAIL, at_most=0.007),
    ),
)

if __name__ == "__main__":
    main(STUDY)
