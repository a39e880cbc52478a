"""Long lives: sixty scrambled CartPoles in a row, in which PPO's plasticity is lost, and what keeps it.

The settings of `env=permuted-cartpole` (2 x 64 ReLU units, separate actor and critic, rollouts of 1,024 steps, Adam at
1e-3, entropy 0.01); all agents have the settings of their recipes. Of the rivals (`experiments/rivals.py`) two have
not been run, and are left out; not because of what they reach.

python -m experiments.long_lives            # runs what is missing (half an hour an arm, churn two hours), then draws
python -m experiments.long_lives --draw     # draws from the committed table
python -m experiments.long_lives --quick    # a hundredth of it, into a scratch folder
"""

from __future__ import annotations

from experiments.plasticity_study import PlasticityStudy
from experiments.rivals import RIVALS
from experiments.runs import Arm
from experiments.study import main

NOT_RUN_YET = ("ppo_plastic announced", "ppo+cbp+l2_init")

WORLD = ("env=permuted-cartpole", "total_steps=1_800_000")  # sixty tasks

STUDY = PlasticityStudy(
    name="long_lives",
    title="Sixty permuted CartPoles",
    arms=tuple(Arm(name, (*words, *WORLD)) for name, words in RIVALS.items() if name not in NOT_RUN_YET),
    seeds=range(10),
    change_every=30_000,
    bin_steps=10_000,
    fresh="ppo_fresh",
    shown=("ppo", "ppo_fresh", "ppo+cbp", "ppo_l2_init", "ppo_plastic"),
    seeds_together=True,
    quick=("total_steps=30_720", "env.change_every=10_000", "agent.epochs=1"),
)

if __name__ == "__main__":
    main(STUDY)
