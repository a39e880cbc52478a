"""Aligned control: noisy CartPole as C-CHAIN publishes it, in which PPO's policy collapses, and what keeps it alive.

The protocol is `protocol=aligned` (Tang et al., ICML 2025; docs/environments.md), of whose ten levels these are the
first four: their PPO is at the floor from the second or third on. Methods have the settings of their recipes.
`agent.lean=quick` has Stable-Baselines3's numbers to rounding. Of the rivals (`experiments/rivals.py`) some have been
run so far; the others are left out, and not because of what they reach.

python -m experiments.aligned_control            # what is missing (forty minutes an arm, churn three hours), and draws
python -m experiments.aligned_control --draw     # draws from the committed table
python -m experiments.aligned_control --quick    # a hundredth of it, into a scratch folder
"""

from __future__ import annotations

from experiments.aligned import aligned_study
from experiments.study import main

RUN = (
    "ppo",
    "ppo_fresh",
    "ppo no change",
    "ppo_tuned",
    "ppo_l2",
    "ppo_l2_init",
    "ppo_layer_norm",
    "ppo_cbp",
    "ppo+cbp",
    "ppo_redo",
    "ppo_weight_clipping",
    "ppo_trac",
    "ppo_fire",
    "ppo_fire detected",
    "ppo_plastic",
    "ppo_shrink_perturb",
    "ppo_churn",
)

SHOWN = ("ppo", "ppo_fresh", "ppo_l2_init", "ppo_layer_norm", "ppo_trac", "ppo+cbp", "ppo_plastic")

STUDY = aligned_study(
    "aligned_control",
    "Aligned control, CartPole",
    "noisy-cartpole",
    RUN,
    levels=4,
    seeds=range(10),
    shown=SHOWN,
    has_floor=True,
)

if __name__ == "__main__":
    main(STUDY)
