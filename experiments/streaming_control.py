"""Streaming control of CartPole: intentional updates and ObGD, each step learned from once, and PPO beside them.

CartPole that never changes, one copy of it for streaming control and the recipe's eight for PPO.

python -m experiments.streaming_control            # runs what is missing (ten minutes on one core), then draws
python -m experiments.streaming_control --draw     # draws from the committed table
python -m experiments.streaming_control --quick    # a little of it, into a scratch folder
"""

from __future__ import annotations

from experiments.return_study import ReturnStudy
from experiments.runs import Arm
from experiments.study import main

WORLD = ("env=permuted-cartpole", "env.changes=false", "total_steps=25_000")

STUDY = ReturnStudy(
    name="streaming_control",
    title="CartPole, learned from step by step",
    arms=(
        Arm("ppo", ("agent=ppo", *WORLD)),
        Arm("stream_ac obgd", ("agent=stream_ac", "agent.update=obgd", *WORLD)),
        Arm("stream_ac intentional", ("agent=stream_ac", "agent.update=intentional", *WORLD)),
    ),
    seeds=range(5),
    change_every=5_000,  # stretches: nothing changes
    bin_steps=2_500,
    quick=("total_steps=5_120",),
)

if __name__ == "__main__":
    main(STUDY)
