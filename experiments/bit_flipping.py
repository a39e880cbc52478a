"""Slowly-changing regression: does the error of a small network rise again, and what keeps it down?

The older variant of the paper (all slow bits drawn afresh every 10,000 examples, a million examples), for which its
figures give numbers; ten networks at once.

python -m experiments.bit_flipping             # runs what is missing, then draws
"""

from __future__ import annotations

from experiments.runs import Arm
from experiments.stream_study import StreamStudy
from experiments.study import main

WORLD = ("env=bit-flipping", "env.flips_one=false", "env.tasks=100")

STUDY = StreamStudy(
    name="bit_flipping",
    title="Slowly-changing regression",
    arms=(
        Arm("sgd", ("agent=sgd", *WORLD)),
        Arm("sgd_cbp", ("agent=sgd_cbp", *WORLD)),
        # The controls: a fresh network at each change, and no hidden units at all.
        Arm("sgd_retrained", ("agent=sgd_fresh", *WORLD)),
        Arm("linear", ("agent=linear", *WORLD)),
    ),
    seeds=range(10),
    quantity="online/error",
    percent=False,
    group=2,
    tail=10,
    fresh="sgd_retrained",
    quick=("env.tasks=3", "env.examples=500"),
    seeds_together=True,
)

if __name__ == "__main__":
    main(STUDY)
