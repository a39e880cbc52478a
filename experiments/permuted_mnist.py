"""Online Permuted MNIST with a small network: does accuracy fall from task to task, and what keeps it up?

The paper's narrow network (three layers of 100 ReLU units), one image at a time; tasks of 6,000 images instead of
60,000, so that thirty of them take minutes, and step size 0.01 for all.

python -m experiments.permuted_mnist --data DATA    # runs what is missing, then draws
"""

from __future__ import annotations

from experiments.runs import Arm
from experiments.stream_study import StreamStudy
from experiments.study import main

WORLD = (
    "env=permuted-mnist",
    "env.examples=6_000",
    "env.tasks=30",
    "agent.hidden_units=100",
    "agent.learning_rate=0.01",
)

STUDY = StreamStudy(
    name="permuted_mnist",
    title="Online Permuted MNIST, three layers of 100 units",
    arms=(
        Arm("sgd", ("agent=sgd", *WORLD)),
        # 1e-4 is the highest rate of the paper's grid; its 1e-6 is for layers of 2,000 and 48 million updates.
        Arm("sgd_cbp", ("agent=sgd_cbp", *WORLD, "agent.replacement_rate=1e-4")),
        Arm("sgd_l2", ("agent=sgd_l2", *WORLD)),
        Arm("sgd_shrink_perturb", ("agent=sgd_shrink_perturb", *WORLD)),
        # The controls: a fresh network at each change, and no hidden units at all.
        Arm("sgd_retrained", ("agent=sgd_fresh", *WORLD)),
        Arm("linear", ("agent=linear", *WORLD)),
    ),
    seeds=range(5),
    quantity="online/accuracy",
    percent=True,
    group=2,
    tail=5,
    reads_data=True,
    fresh="sgd_retrained",
    quick=("env.tasks=2", "env.examples=300"),
)

if __name__ == "__main__":
    main(STUDY)
