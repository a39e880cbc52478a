"""Slowly-changing regression with short tasks: what keeps a network of five units plastic?

The variant of `experiments/bit_flipping.py` (all slow bits are drawn afresh at each change), with thirty tasks of 2,500
examples. A seed draws the network that is to be imitated, and so decides how hard the problem is: the gate compares
seed by seed. All settings are those of the recipes and of `agents/published.py`, but for those of `TRIED`: of a few
values the one whose average over life was best for five seeds that are not among those reported, in twenty tasks.

python -m experiments.bit_flipping_rivals            # runs what is missing, then draws
python -m experiments.bit_flipping_rivals --draw     # draws from the committed tables
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.stream_rivals import STREAM_RIVALS, Words, arms_on, tried_on
from experiments.stream_study import StreamStudy
from experiments.study import main

WORLD = ("env=bit-flipping", "env.flips_one=false", "env.tasks=30", "env.examples=2_500")

TRIED: Mapping[str, Sequence[Words]] = {
    "sgd_l2": (("agent.weight_decay=1e-4",), ("agent.weight_decay=1e-3",), ("agent.weight_decay=1e-2",)),
    "sgd_l2_init": (("agent.strength=1e-4",), ("agent.strength=1e-3",), ("agent.strength=1e-2",)),
    "sgd_cbp": (("agent.replacement_rate=1e-4",), ("agent.replacement_rate=1e-3",), ("agent.replacement_rate=1e-2",)),
    "sgd_redo": (("agent.threshold=0.025",), ("agent.threshold=0.1",), ("agent.threshold=0.1", "agent.every=100")),
    "sgd_weight_clipping": (("agent.kappa=1",), ("agent.kappa=2",), ("agent.kappa=3",)),
    "sgd_shrink_perturb": (
        ("agent.weight_decay=1e-4", "agent.noise_std=1e-5"),
        ("agent.weight_decay=1e-3", "agent.noise_std=1e-4"),
        ("agent.weight_decay=1e-3", "agent.noise_std=1e-3"),
        ("agent.weight_decay=1e-2", "agent.noise_std=1e-4"),
    ),
}

CHOSEN: Mapping[str, Words] = {
    "sgd_l2": ("agent.weight_decay=1e-2",),
    "sgd_cbp": ("agent.replacement_rate=1e-3",),
    "sgd_redo": ("agent.threshold=0.025",),
    "sgd_shrink_perturb": ("agent.weight_decay=1e-2", "agent.noise_std=1e-4"),
    "sgd_l2_init": ("agent.strength=1e-2",),
    "sgd_weight_clipping": ("agent.kappa=3",),
    "sgd+cbp+l2_init": (
        "agent.cbp.replacement_rate=1e-3",
        "agent.l2_init.strength=1e-2",
    ),
}

STUDY = StreamStudy(
    name="bit_flipping_rivals",
    title="Slowly-changing regression, short tasks",
    arms=arms_on(WORLD, STREAM_RIVALS, CHOSEN),
    tried=tried_on((*WORLD, "env.tasks=20"), STREAM_RIVALS, TRIED),
    seeds=range(10),
    quantity="online/error",
    percent=False,
    group=2,
    tail=10,
    fresh="sgd_fresh",
    quick=("env.tasks=3", "env.examples=300"),
    seeds_together=True,
    pairs_seeds=True,
)

if __name__ == "__main__":
    main(STUDY)
