"""A network that imitates twenty threshold units: fixed ones, to be measured against one that grows.

`env=geoff`, 180,000 examples, nothing changes. Step sizes are the best of a pilot in another implementation (0.002,
0.003; of the hybrid 0.003, 0.005). The settings of the network that grows (`agent=dynamic`) are those of its recipe,
chosen on seeds 100 to 103 over 40,000 examples. Nothing was chosen on the seeds here.

python -m experiments.grown_network            # runs what is missing, then draws
"""

from __future__ import annotations

from functools import partial

from envs.geoff import GEOFF
from experiments.online.makes import Backprop, Make, adam, hybrid
from experiments.online.study import OnlineArm, OnlineStudy, agent
from experiments.online.tables import Pair, Target, mean_of
from experiments.online.words import Form
from experiments.study import main

STREAM = GEOFF()
LATE = "170,000 to 180,000"


def arm(name: str, make: Make) -> OnlineArm:
    """An arm of this study."""
    return OnlineArm(name, stream=STREAM, make=make, panel="20 threshold units are to be imitated")


def tanh(units: int, rate: float) -> Backprop:
    """Adam on a fixed network."""
    return Backprop(units, adam(rate), Form.tanh)


STUDY = OnlineStudy(
    name="grown_network",
    title="A fixed network or one that grows",
    arms=(
        arm("dynamic 32", partial(agent, "dynamic", {"hidden_units": 32})),
        arm("adam 32", tanh(32, 0.003)),
        arm("adam 64", tanh(64, 0.003)),
        arm("adam 32 ReLU", Backprop(32, adam(0.003))),
        arm("hybrid 32", Backprop(32, hybrid(0.005), Form.tanh)),
    ),
    baseline="adam 32",
    seeds=range(20),
    stretch=2000,
    measures=(mean_of(LATE, 85, 90), mean_of("50,000 to 60,000", 25, 30), mean_of("average over life")),
    pairs=(Pair("170,000 to 180,000, beside adam 32", LATE, "adam 32"),),
    targets=(
        Target(arm="dynamic 32", measure="50,000 to 60,000", at_most=0.105),
        Target(arm="dynamic 32", measure=LATE, at_most=0.061),
    ),
)

if __name__ == "__main__":
    main(STUDY)
