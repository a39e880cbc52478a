"""Class-incremental CIFAR-100, a small part of it: what a CPU does in under an hour.

The paper has twenty increments of 200 epochs and a ResNet-18 of width 64; here four increments of three epochs and
width 4. The whole is one command away:

python train.py -m agent=sgd,sgd_cbp,sgd_shrink_perturb,sgd_head_reset,sgd_fresh env=incremental-cifar100 \
    seed=0,1,2,3,4 device=cuda

python -m experiments.incremental_cifar100 --data DATA    # runs what is missing, then draws
"""

from __future__ import annotations

from experiments.runs import Arm
from experiments.stream_study import StreamStudy
from experiments.study import main

WORLD = (
    "env=incremental-cifar100",
    "env.tasks=4",
    "env.epochs=3",
    "env.milestones=[1,2]",
    "agent.network_width=4",
)

STUDY = StreamStudy(
    name="incremental_cifar100",
    title="Class-incremental CIFAR-100, 3 epochs an increment",
    arms=(
        Arm("sgd", ("agent=sgd", *WORLD)),
        # With the paper's maturity of 1,000 updates nothing would fall due: the whole run has 750.
        Arm("sgd_cbp", ("agent=sgd_cbp", *WORLD, "agent.replacement_rate=3e-4", "agent.maturity_threshold=100")),
        # The control: a fresh network at each change.
        Arm("sgd_retrained", ("agent=sgd_fresh", *WORLD)),
    ),
    seeds=range(5),
    quantity="test/accuracy",
    percent=True,
    group=1,
    tail=1,
    reads_data=True,
    fresh="sgd_retrained",
    quick=("env.tasks=2", "env.epochs=1", "env.milestones=[]"),
)

if __name__ == "__main__":
    main(STUDY)
