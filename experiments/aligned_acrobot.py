"""Aligned control in another world: noisy Acrobot, which had no part in the choice of `ppo_plastic`.

The protocol is `protocol=aligned` (Tang et al., ICML 2025; docs/environments.md), of whose ten levels these are the
first three.

python -m experiments.aligned_acrobot            # runs what is missing (an hour on one core), then draws
python -m experiments.aligned_acrobot --draw     # draws from the committed table
python -m experiments.aligned_acrobot --quick    # a hundredth of it, into a scratch folder
"""

from __future__ import annotations

from experiments.plasticity_study import PlasticityStudy
from experiments.rivals import RIVALS
from experiments.runs import Arm
from experiments.study import main

RUN = ("ppo", "ppo_fresh", "ppo_plastic")

WORLD = ("env=noisy-acrobot", "protocol=aligned", "agent.lean=quick", "total_steps=480_000")  # three levels

STUDY = PlasticityStudy(
    name="aligned_acrobot",
    title="Aligned control, Acrobot",
    arms=tuple(Arm(name, (*RIVALS[name], *WORLD)) for name in RUN),
    seeds=range(5),
    change_every=160_000,
    bin_steps=8_000,
    fresh="ppo_fresh",
    shown=RUN,
    seeds_together=True,
    quick=("total_steps=4_800", "env.change_every=1_600", "agent.epochs=1"),
)

if __name__ == "__main__":
    main(STUDY)
