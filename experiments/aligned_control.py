"""Aligned control: noisy CartPole as C-CHAIN publishes it, in which PPO's policy collapses, and what keeps it alive.

The protocol is `protocol=aligned` (Tang et al., ICML 2025; docs/environments.md), of whose ten levels these are the
first four: their PPO is at the floor from the second or third on. Methods have the settings of their recipes.
`agent.lean=quick` has Stable-Baselines3's numbers to rounding. Of the rivals (`experiments/rivals.py`) some have been
run so far; the others are left out, and not because of what they reach.

python -m experiments.aligned_control            # runs what is missing (forty minutes an arm), then draws
python -m experiments.aligned_control --draw     # draws from the committed table
python -m experiments.aligned_control --quick    # a hundredth of it, into a scratch folder
"""

from __future__ import annotations

from experiments.plasticity_study import PlasticityStudy
from experiments.rivals import RIVALS
from experiments.runs import Arm
from experiments.study import main

RUN = ("ppo", "ppo_fresh", "ppo_fire detected", "ppo_plastic")

WORLD = ("env=noisy-cartpole", "protocol=aligned", "agent.lean=quick", "total_steps=640_000")  # four levels

STUDY = PlasticityStudy(
    name="aligned_control",
    title="Aligned control, CartPole",
    arms=tuple(Arm(name, (*RIVALS[name], *WORLD)) for name in RUN),
    seeds=range(10),
    change_every=160_000,
    bin_steps=8_000,
    fresh="ppo_fresh",
    shown=RUN,
    seeds_together=True,
    quick=("total_steps=4_800", "env.change_every=1_600", "agent.epochs=1"),
)

if __name__ == "__main__":
    main(STUDY)
