"""Permuted CartPole with a trunk that is trained locally: does the HSIC bottleneck help PPO in a changing world?

python -m experiments.hsic_cartpole            # runs what is missing (40 minutes on one core), then draws
python -m experiments.hsic_cartpole --draw     # draws from the committed table
python -m experiments.hsic_cartpole --quick    # a hundredth of it, into a scratch folder
"""

from __future__ import annotations

from experiments.return_study import ReturnStudy
from experiments.runs import Arm
from experiments.study import main

WORLD = ("env=permuted-cartpole", "total_steps=120_000")  # four tasks

STUDY = ReturnStudy(
    name="hsic_cartpole",
    title="Permuted CartPole",
    arms=(
        Arm("ppo", ("agent=ppo", *WORLD)),
        Arm("ppo_hsic", ("agent=ppo_hsic", *WORLD)),
        Arm("ppo_hsic_reg", ("agent=ppo_hsic_reg", *WORLD)),
    ),
    seeds=range(10),
    change_every=30_000,
    quick=("total_steps=10_240", "agent.epochs=1"),
)

if __name__ == "__main__":
    main(STUDY)
