"""Permuted CartPole: does PPO go on learning when its senses are scrambled again and again, and what helps?

python -m experiments.permuted_cartpole            # runs what is missing (an hour on one core), then draws
python -m experiments.permuted_cartpole --draw     # draws from the committed table
python -m experiments.permuted_cartpole --quick    # a hundredth of it, into a scratch folder
"""

from __future__ import annotations

from experiments.return_study import ReturnStudy
from experiments.runs import Arm
from experiments.study import main

WORLD = ("env=permuted-cartpole", "total_steps=300_000")  # ten tasks

STUDY = ReturnStudy(
    name="permuted_cartpole",
    title="Permuted CartPole",
    arms=(
        Arm("ppo", ("agent=ppo", *WORLD)),
        Arm("ppo_tuned", ("agent=ppo_tuned", *WORLD)),
        Arm("ppo_l2", ("agent=ppo_l2", *WORLD)),
        Arm("ppo_cbp", ("agent=ppo_cbp", *WORLD)),
        # The control: the same world, which never changes.
        Arm("ppo no change", ("agent=ppo", *WORLD, "env.changes=false")),
    ),
    seeds=range(10),
    change_every=30_000,
    quick=("total_steps=10_240", "agent.epochs=1"),
)

if __name__ == "__main__":
    main(STUDY)
