"""Twenty threshold units are to be imitated, and every 10,000 examples others: does a network get worse at it?

`env=switching-geoff`, ten tasks. Step sizes and rates are those that a pilot tried. Networks to be imitated differ in
how hard they are, and the tenth of a seed is another than the first: what has got worse shows beside a fresh network.

python -m experiments.switching_features            # runs what is missing, then draws
"""

from __future__ import annotations

from functools import partial

from envs.switching_geoff import SwitchingGEOFF
from experiments.online.makes import Backprop, Make, Replace, Train, adam, hybrid
from experiments.online.study import OnlineArm, OnlineStudy, agent
from experiments.online.tables import Measure, Pair, Target, mean_of
from experiments.online.words import Form
from experiments.study import main

STREAM = SwitchingGEOFF()
LIFE, LATE, DRIFT = "average over life", "end of task 10", "task 10 less task 1"


def arm(name: str, make: Make, *, starts_over: bool = False) -> OnlineArm:
    """An arm of this study."""
    panel = "64 tanh units, 20 threshold units to be imitated"
    return OnlineArm(name, stream=STREAM, make=make, starts_over=starts_over, panel=panel)


def backprop(train: Train, replace: Replace = None) -> Backprop:
    """A network of this study."""
    return Backprop(64, train, Form.tanh, replace)


STUDY = OnlineStudy(
    name="switching_features",
    title="Switching feature search",
    arms=(
        arm("dynamic 30 + 34", partial(agent, "dynamic", {"hidden_units": 30, "fringe": 34})),
        arm("adam 0.003", backprop(adam(3e-3))),
        arm("adam 0.001", backprop(adam(1e-3))),
        arm("adam 0.0005", backprop(adam(5e-4))),
        arm("adam 0.003 fresh", backprop(adam(3e-3)), starts_over=True),
        arm("adam 0.003 + L2", backprop(adam(3e-3, 1e-5))),
        arm("adam 0.003 + CBP 1e-4", backprop(adam(3e-3), {"rate": 1e-4})),
        arm("hybrid 0.002", backprop(hybrid(2e-3))),
    ),
    baseline="adam 0.003",
    fresh="adam 0.003 fresh",
    seeds=range(20),
    stretch=2000,
    changes_after=5,
    measures=(
        mean_of(LIFE),
        mean_of("end of task 1", 4, 5),
        mean_of(LATE, 49, 50),
        Measure(DRIFT, lambda errors: errors[:, 49] - errors[:, 4]),
    ),
    pairs=(
        Pair("over life, beside adam 0.003", LIFE, "adam 0.003"),
        Pair("at the end of task 10, beside fresh", LATE, "adam 0.003 fresh"),
    ),
    targets=(
        Target(arm="hybrid 0.002", measure=LIFE, at_most=0.403),
        Target(arm="dynamic 30 + 34", measure=LIFE, at_most=0.403),
        Target(arm="dynamic 30 + 34", measure=DRIFT, at_most=0.005),
    ),
)

if __name__ == "__main__":
    main(STUDY)
