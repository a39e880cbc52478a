"""Aligned control in Acrobot, which had no part in the choice of `ppo_plastic`, and by which its detector was chosen.

The protocol is `protocol=aligned` (Tang et al., ICML 2025; docs/environments.md), of whose ten levels these are the
first three.

python -m experiments.aligned_acrobot            # runs what is missing (an hour on one core), then draws
python -m experiments.aligned_acrobot --draw     # draws from the committed table
python -m experiments.aligned_acrobot --quick    # a hundredth of it, into a scratch folder
"""

from __future__ import annotations

from experiments.aligned import aligned_study
from experiments.study import main

RUN = ("ppo", "ppo_fresh", "ppo_plastic announced", "ppo_plastic")

STUDY = aligned_study("aligned_acrobot", "Aligned control, Acrobot", "noisy-acrobot", RUN, levels=3, seeds=range(5))

if __name__ == "__main__":
    main(STUDY)
