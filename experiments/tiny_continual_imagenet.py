"""Continual ImageNet on Tiny-ImageNet, a small part of it: what a CPU does in under an hour.

The paper has thousands of tasks of 250 epochs each; here five tasks of forty. The whole is one command away:

python train.py -m agent=sgd,sgd_cbp,sgd_l2,sgd_shrink_perturb env=tiny-continual-imagenet seed=0,1,2,3,4 device=cuda

python -m experiments.tiny_continual_imagenet --data DATA    # runs what is missing, then draws
"""

from __future__ import annotations

from experiments.runs import Arm
from experiments.stream_study import StreamStudy
from experiments.study import main

WORLD = ("env=tiny-continual-imagenet", "env.tasks=5", "env.epochs=40")

STUDY = StreamStudy(
    name="tiny_continual_imagenet",
    title="Continual Tiny-ImageNet, 40 epochs a task",
    arms=(
        Arm("sgd", ("agent=sgd", *WORLD)),
        Arm("sgd_cbp", ("agent=sgd_cbp", *WORLD)),
        # The control: a fresh network at each change.
        Arm("sgd_retrained", ("agent=sgd_fresh", *WORLD)),
    ),
    seeds=range(5),
    quantity="test/accuracy",
    percent=True,
    group=1,
    tail=2,
    reads_data=True,
    fresh="sgd_retrained",
    quick=("env.tasks=2", "env.epochs=1"),
)

if __name__ == "__main__":
    main(STUDY)
