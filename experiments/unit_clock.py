"""Newborn units in Adam: does it matter whether they have a clock of their own, or their neighbours' second moments?

python -m experiments.unit_clock            # runs what is missing (a few minutes of one core), then draws
python -m experiments.unit_clock --draw     # draws from the committed table
python -m experiments.unit_clock --quick    # a little of it, into a scratch folder
"""

from __future__ import annotations

from experiments.return_study import ReturnStudy
from experiments.runs import Arm
from experiments.study import main

# Three tasks; no weight decay, as nothing else is to keep the network plastic; torch's betas: there a clock matters.
WORLD = (
    *("agent=ppo_cbp", "env=permuted-cartpole", "total_steps=90_000"),
    *("agent.weight_decay=0", "agent.beta1=0.9", "agent.beta2=0.999"),
)

STUDY = ReturnStudy(
    name="unit_clock",
    title="PPO with continual backprop in permuted CartPole",
    arms=(
        Arm("clock", WORLD),
        Arm("no clock", (*WORLD, "agent.unit_clock=false")),
    ),
    seeds=range(10),
    change_every=30_000,
    quick=("total_steps=10_240", "agent.epochs=1"),
)

if __name__ == "__main__":
    main(STUDY)
