"""Feature search: are a few features that were searched for as good as many that are fixed?

Twenty threshold units are to be imitated (`env=geoff`, 60,000 or 180,000 examples). Features are threshold units with
random signs for weights, which no gradient reaches; the step sizes of the output are learned (N-IDBD). Generate and
test: the features that contribute least are replaced, some at a time, by others drawn at random. Backpropagation of 32
units stands beside them. Settings were chosen on seeds 100 to 104, at 320 features: step sizes of the output from 0.05
to 16 over the number of features, rates from 3e-4 to 5e-3, maturities from 0 to 1,000, running averages from 0.9 to
0.999.

python -m experiments.feature_search            # runs what is missing, then draws
"""

from __future__ import annotations

from envs.geoff import GEOFF
from experiments.online.makes import Backprop, Features, Make, adam
from experiments.online.study import OnlineArm, OnlineStudy
from experiments.online.tables import Measure, Pair, Target, mean_of
from experiments.online.words import Form, Fresh
from experiments.study import main

STREAM = GEOFF(tasks=6)
TAIL = "last sixth"


def arm(name: str, make: Make) -> OnlineArm:
    """An arm of this study."""
    return OnlineArm(name, stream=STREAM, make=make, panel="60,000 examples")


def longer(name: str, make: Make) -> OnlineArm:
    """An arm that goes on three times as long."""
    return OnlineArm(f"{name}, 180,000", stream=GEOFF(), make=make, panel="180,000 examples")


def search(units: int) -> Features:
    """Generate and test, at the settings that were best on other seeds."""
    replace = {"rate": 5e-3, "maturity": 0, "decay": 0.9, "fresh": Fresh.signs}
    return Features(units, step_size=0.2, replace=replace)


STUDY = OnlineStudy(
    name="feature_search",
    title="Feature search",
    arms=(
        arm("searched 320", search(320)),
        arm("fixed 1280", Features(1280)),
        arm("fixed 320", Features(320)),
        arm("backprop 32", Backprop(32, adam(0.003), Form.tanh)),
        arm("searched 80", search(80)),
        arm("fixed 80", Features(80)),
        arm("fixed 20", Features(20)),
        longer("searched 320", search(320)),
        longer("fixed 1280", Features(1280)),
    ),
    baseline="fixed 320",
    seeds=range(20),
    stretch=1000,
    measures=(
        Measure(TAIL, lambda errors: errors[:, -(errors.shape[1] // 6) :].mean(1)),
        mean_of("first 10,000", 0, 10),
        mean_of("average over life"),
    ),
    pairs=(Pair(f"{TAIL}, beside fixed 1280", TAIL, "fixed 1280"),),
    targets=(
        Target(arm="searched 320", measure=TAIL, at_most=0.345),
        Target(arm="searched 320", measure=TAIL, below="fixed 1280"),
        Target(arm="searched 320, 180,000", measure=TAIL, at_most=0.345),
        Target(arm="searched 320, 180,000", measure=TAIL, below="fixed 1280, 180,000"),
    ),
)

if __name__ == "__main__":
    main(STUDY)
