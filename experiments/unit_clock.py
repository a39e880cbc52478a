"""Newborn units in Adam: does it matter whether they have a clock of their own, or their neighbours' second moments?

python -m experiments.unit_clock            # runs what is missing (half an hour of one core), then draws
python -m experiments.unit_clock --draw     # draws from the committed table
python -m experiments.unit_clock --quick    # a little of it, into a scratch folder
"""

from __future__ import annotations

from experiments.return_study import ReturnStudy
from experiments.runs import Arm
from experiments.study import main

# Sixty tasks; no weight decay, as nothing else is to keep the network plastic; torch's betas: there a clock matters.
WORLD = ("agent=ppo+cbp", "env=permuted-cartpole", "total_steps=1_800_000")

STUDY = ReturnStudy(
    name="unit_clock",
    title="PPO with continual backprop in permuted CartPole",
    arms=(
        Arm("clock", WORLD),
        Arm("no clock", (*WORLD, "agent.cbp.unit_clock=false")),
    ),
    seeds=range(10),
    change_every=30_000,
    bin_steps=10_000,
    seeds_together=True,
    quick=("total_steps=30_720", "env.change_every=10_000", "agent.epochs=1"),
)

if __name__ == "__main__":
    main(STUDY)
