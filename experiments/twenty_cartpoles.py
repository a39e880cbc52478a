"""Twenty scrambled CartPoles in a row, in which plasticity is lost, and what keeps it.

The settings of `env=permuted-cartpole` (2 x 64 ReLU units, separate actor and critic, rollouts of 1,024 steps, Adam at
1e-3, entropy 0.01), but twenty tasks where the study of permuted CartPole has ten, and a fresh agent at each change.
All agents have the settings of their recipes. The two pairs were tried on seed 101 before; both are reported.

python -m experiments.twenty_cartpoles            # runs what is missing (an hour on one core), then draws
python -m experiments.twenty_cartpoles --draw     # draws from the committed table
python -m experiments.twenty_cartpoles --quick    # a hundredth of it, into a scratch folder
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
    name="twenty_cartpoles",
    title="Twenty permuted CartPoles",
    arms=(
        arm("ppo"),
        arm("ppo_fresh"),
        arm("ppo+cbp"),  # by itself; ppo_cbp of other studies has equal betas and a weight decay, too
        arm("ppo_layer_norm"),
        arm("ppo_l2_init"),
        arm("ppo+l2_init+layer_norm"),
        arm("ppo+cbp+l2_init"),
    ),
    seeds=range(5),
    change_every=30_000,
    bin_steps=5_000,
    fresh="ppo_fresh",
    quick=("total_steps=30_720", "env.change_every=10_000", "agent.epochs=1"),
)

if __name__ == "__main__":
    main(STUDY)
