"""Bits that flip one at a time, and five hidden units to follow them: who still learns after 400,000 examples?

`env=bit-flipping`, forty tasks of 10,000 examples. Step sizes and the rate of replacement are the best, by the last ten
tasks, of a pilot in another implementation (0.001, 0.003, 0.01; 1e-4, 1e-3). The network that grows (`agent=dynamic`:
five units in the backbone, 24 tried out) has the settings of its recipe, which were chosen on `env=geoff`. Nothing was
chosen on the seeds here.

python -m experiments.five_units            # runs what is missing, then draws
"""

from __future__ import annotations

from functools import partial

from envs.bit_flipping import BitFlipping
from experiments.online.makes import Backprop, Make, adam, sgd
from experiments.online.study import OnlineArm, OnlineStudy, agent
from experiments.online.tables import Pair, Target, mean_of
from experiments.study import main

STREAM = BitFlipping(tasks=40)
TAIL = "last 100,000"


def arm(name: str, make: Make, *, starts_over: bool = False) -> OnlineArm:
    """An arm of this study."""
    return OnlineArm(name, stream=STREAM, make=make, starts_over=starts_over, panel="five ReLU units, 15 slow bits")


STUDY = OnlineStudy(
    name="five_units",
    title="Flipping bits",
    arms=(
        arm("dynamic 5", partial(agent, "dynamic", {"hidden_units": 5})),
        arm("sgd", Backprop(5, sgd(3e-3))),
        arm("adam", Backprop(5, adam(3e-3))),
        arm("linear", Backprop(0, sgd(3e-3))),
        arm("sgd fresh", Backprop(5, sgd(3e-3)), starts_over=True),
        arm("sgd + CBP", Backprop(5, sgd(1e-2), replace={"rate": 1e-4})),
        arm("adam + CBP", Backprop(5, adam(3e-3), replace={"rate": 1e-4})),
    ),
    baseline="sgd",
    fresh="sgd fresh",
    seeds=range(20),
    stretch=10_000,
    changes_after=1,
    measures=(mean_of(TAIL, -10), mean_of("first 20,000", 0, 2), mean_of("average over life")),
    pairs=(Pair("last 100,000, beside sgd", TAIL, "sgd"),),
    targets=tuple(Target(arm=name, measure=TAIL, at_most=0.464) for name in ("sgd + CBP", "dynamic 5")),
)

if __name__ == "__main__":
    main(STUDY)
