"""Growing networks in long lives: twenty scrambled CartPoles, with a policy and critic that grow while they learn.

The world of the study of long lives (`experiments/long_lives.py`), for a third of its length. `ppo_dynamic` begins with
16 units a layer and may have 64, which the others have from the beginning. Its settings are the recipe's; of three (a
birth in 40 updates with turnover and without, and one in 16 with it) they were the best on seed 101, by the mean of
eight tasks.

python -m experiments.growing_cartpole            # runs what is missing (half an hour on one core), then draws
python -m experiments.growing_cartpole --draw     # draws from the committed table
python -m experiments.growing_cartpole --quick    # a hundredth of it, into a scratch folder
"""

from __future__ import annotations

from experiments.return_study import ReturnStudy
from experiments.runs import Arm
from experiments.study import main

WORLD = ("env=permuted-cartpole", "total_steps=600_000")  # twenty tasks


def arm(agent: str) -> Arm:
    """An agent in the world of this study, with the settings of its recipe."""
    return Arm(agent, (f"agent={agent}", *WORLD))


STUDY = ReturnStudy(
    name="growing_cartpole",
    title="Twenty permuted CartPoles, grown",
    arms=(arm("ppo"), arm("ppo_dynamic"), arm("ppo+cbp"), arm("ppo_fresh")),
    seeds=range(10),
    change_every=30_000,
    fresh="ppo_fresh",
    quick=("total_steps=30_720", "env.change_every=10_000", "agent.epochs=1"),
)

if __name__ == "__main__":
    main(STUDY)
