"""Hopper on changing ground with a trunk that is trained locally: the MuJoCo task of the HSIC bottleneck under PPO.

python -m experiments.hsic_hopper            # runs what is missing (half an hour on one core), then draws
python -m experiments.hsic_hopper --draw     # draws from the committed table
python -m experiments.hsic_hopper --quick    # a little of it, into a scratch folder
"""

from __future__ import annotations

from experiments.return_study import ReturnStudy
from experiments.runs import Arm
from experiments.study import main

# Two grounds; a network and step size with which 25,000 steps are enough to learn something.
WORLD = (
    "env=slippery-hopper",
    "total_steps=50_000",
    "env.change_every=25_000",
    "agent.hidden_units=64",
    "agent.learning_rate=3e-4",
)

STUDY = ReturnStudy(
    name="hsic_hopper",
    title="Slippery Hopper",
    arms=(
        Arm("ppo", ("agent=ppo", *WORLD)),
        Arm("ppo_hsic", ("agent=ppo_hsic", *WORLD)),
        Arm("ppo_hsic_reg", ("agent=ppo_hsic_reg", *WORLD)),
    ),
    seeds=range(10),
    change_every=25_000,
    quick=("total_steps=8_192", "agent.epochs=1"),
)

if __name__ == "__main__":
    main(STUDY)
