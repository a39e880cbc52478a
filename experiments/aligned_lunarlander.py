"""Aligned control in LunarLander, which had no part in the choice of `ppo_plastic` or of its detector.

The protocol is `protocol=aligned` (Tang et al., ICML 2025; docs/environments.md), of whose ten levels these are the
first two.

python -m experiments.aligned_lunarlander            # runs what is missing (an hour on one core), then draws
python -m experiments.aligned_lunarlander --draw     # draws from the committed table
python -m experiments.aligned_lunarlander --quick    # a hundredth of it, into a scratch folder
"""

from __future__ import annotations

from experiments.aligned import aligned_study
from experiments.study import main

RUN = ("ppo", "ppo_fresh", "ppo_plastic")

STUDY = aligned_study(
    "aligned_lunarlander", "Aligned control, LunarLander", "noisy-lunarlander", RUN, levels=2, seeds=range(5)
)

if __name__ == "__main__":
    main(STUDY)
