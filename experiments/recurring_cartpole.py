"""CartPole under three permutations that return: does PPO that remembers its tasks begin where it left off?

python -m experiments.recurring_cartpole            # runs what is missing (half an hour on one core), then draws
python -m experiments.recurring_cartpole --draw     # draws from the committed table
python -m experiments.recurring_cartpole --quick    # a little of it, into a scratch folder
"""

from __future__ import annotations

from experiments.recurrence_study import RecurrenceStudy
from experiments.runs import Arm
from experiments.study import main

# Three permutations, three visits each.
WORLD = (
    "env=permuted-cartpole",
    "env.returning=3",
    "env.n_envs=1",
    "env.change_every=12_000",
    "total_steps=108_000",
)

STUDY = RecurrenceStudy(
    name="recurring_cartpole",
    title="CartPole under three permutations that return",
    arms=(Arm("ppo", ("agent=ppo", *WORLD)), Arm("ppo_apd", ("agent=ppo_apd", *WORLD))),
    seeds=range(10),
    regimes=3,
    visits=9,
    quick=("env.change_every=1_024", "total_steps=6_144", "agent.epochs=1"),
)

if __name__ == "__main__":
    main(STUDY)
