"""Inputs around patterns: is a feature that is imprinted on an input better than one that was drawn or learned?

`env=prototypes`, 40,000 examples, on which a pattern is replaced every 250; the same without replacement; and the
control, inputs without patterns, on which imprinting must not help. 120 units. Settings were chosen on seeds 100 to
104, by the average over life on patterns that are replaced, and are the same on all three: step sizes of Adam and SGD,
those of an output of imprinted units from 0.03, 0.1, 0.3 and 1, and their threshold from shares of 0.4, 0.5 and 0.6
(on three seeds and 15,000 to 25,000 examples; that of periodic imprinting is 0.6, as it was at first).
Imprinted units here stand in a layer of fixed size, with an output whose step sizes are learned. Beside them are
networks that grow, `agent=dynamic` and `agent=dynamic_imprint`, whose settings were chosen on seeds 100 to 103 and up
to 20,000 examples.

python -m experiments.imprinting            # runs what is missing, then draws
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from envs.prototypes import Prototypes
from experiments.online.imprinting import NovelAndWrong
from experiments.online.makes import Backprop, Features, Make, adam, sgd
from experiments.online.study import OnlineArm, OnlineStudy, agent
from experiments.online.tables import Target, mean_of
from experiments.online.words import Fresh
from experiments.study import main

TAIL = "last fifth"
UNITS = 120
MATURE: Mapping[str, float] = {"maturity": 200, "decay": 0.999}
STREAMS: Mapping[str, Prototypes] = {
    "replaced": Prototypes(),
    "still": Prototypes(changes=False),
    "no patterns": Prototypes(clustered=False),
}


def imprinted(step_size: float, share: float, **settings: object) -> Features:
    """Units that are imprinted, each on above a share of the square of its weights' length.

    Args:
        step_size: of each output weight to begin with; few units are on at a time.
        share: at 0.5 three quarters of the bits must agree, at 0.6 four fifths.
        settings: of what replaces units.
    """
    replace = {**MATURE, "fresh": Fresh.imprint, "threshold": share, **settings}
    return Features(UNITS, step_size=step_size * UNITS, replace=replace, threshold=share * Prototypes().bits)


def periodic(interval: int, step_size: float) -> Features:
    """One unit imprinted about every so many examples, on whatever comes."""
    # Of those that are mature, the rate that leaves so many examples from one to the next.
    return imprinted(step_size, 0.6, rate=1 / (interval * UNITS - MATURE["maturity"]))


ADAM = Backprop(UNITS, adam(1e-3))
IMPRINTED: dict[str, Make] = {
    "imprinted periodically": periodic(20, 0.3),
    "imprinted if novel and wrong": imprinted(1.0, 0.5, kind=NovelAndWrong, rate=0.0),
}
OTHERS: dict[str, Make] = {
    "sgd": Backprop(UNITS, sgd(3e-3)),
    "drawn": Features(UNITS, replace={**MATURE, "rate": 5e-3, "fresh": Fresh.signs}),
}


def arm(learner: str, panel: str, make: Make, *, starts_over: bool = False) -> OnlineArm:
    """A learner on one of the streams."""
    stream = STREAMS[panel]
    return OnlineArm(f"{learner}, {panel}", stream=stream, make=make, starts_over=starts_over, panel=panel)


STUDY = OnlineStudy(
    name="imprinting",
    title="Prototypes",
    arms=(
        *(
            arm("dynamic imprint", panel, partial(agent, "dynamic_imprint", {"hidden_units": UNITS}))
            for panel in ("replaced", "still")
        ),
        *(
            arm("dynamic", panel, partial(agent, "dynamic", {"hidden_units": UNITS - 24}))
            for panel in ("replaced", "no patterns")
        ),
        arm("adam", "replaced", ADAM),
        arm("adam fresh", "replaced", ADAM, starts_over=True),
        *(arm(name, "replaced", make) for name, make in (OTHERS | IMPRINTED).items()),
        arm("adam", "still", ADAM),
        *(arm(name, "still", make) for name, make in IMPRINTED.items()),
        arm("adam", "no patterns", ADAM),
        *(arm(name, "no patterns", make) for name, make in IMPRINTED.items()),
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
        Target(arm="dynamic imprint, replaced", measure=TAIL, at_most=0.045),
        Target(arm="dynamic imprint, still", measure=TAIL, at_most=0.007),
        Target(arm="imprinted if novel and wrong, replaced", measure=TAIL, at_most=0.045),
        Target(arm="imprinted periodically, still", measure=TAIL, at_most=0.007),
    ),
)

if __name__ == "__main__":
    main(STUDY)
