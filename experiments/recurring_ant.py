"""Ant on three grounds that return: does PPO that remembers its tasks begin where it left off?

Visits are 20,000 steps instead of the recipe's million. In these the ant does not learn to walk: it learns to spend
less on thrashing about, and what is measured is whether that is remembered.

python -m experiments.recurring_ant            # runs what is missing (forty minutes on one core), then draws
python -m experiments.recurring_ant --draw     # draws from the committed table
python -m experiments.recurring_ant --quick    # a little of it, into a scratch folder
"""

from __future__ import annotations

from experiments.recurrence_study import RecurrenceStudy
from experiments.runs import Arm
from experiments.study import main

# Three grounds, two visits each; a step size with which 20,000 steps are enough to learn something.
WORLD = (
    "env=recurring-ant",
    "env.change_every=20_000",
    "total_steps=120_000",
    "agent.hidden_units=64",
    "agent.learning_rate=3e-4",
)

STUDY = RecurrenceStudy(
    name="recurring_ant",
    title="Ant on three grounds that return",
    arms=(Arm("ppo", ("agent=ppo", *WORLD)), Arm("ppo_apd", ("agent=ppo_apd", *WORLD))),
    seeds=range(10),
    regimes=3,
    visits=6,
    quick=("env.change_every=2_048", "total_steps=12_288", "agent.epochs=1"),
)

if __name__ == "__main__":
    main(STUDY)
