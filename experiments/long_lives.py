"""Long lives: sixty scrambled CartPoles in a row, in which plasticity is lost, and what keeps it.

The settings of `env=permuted-cartpole` (2 x 64 ReLU units, separate actor and critic, rollouts of 1,024 steps, Adam at
1e-3, entropy 0.01), but sixty tasks where the study of permuted CartPole has ten.

python -m experiments.long_lives            # runs what is missing (a working day on two cores), then draws
python -m experiments.long_lives --draw     # draws from the committed table
python -m experiments.long_lives --quick    # a hundredth of it, into a scratch folder
"""

from __future__ import annotations

from experiments.return_study import ReturnStudy
from experiments.runs import Arm
from experiments.study import main

WORLD = ("env=permuted-cartpole", "total_steps=1_800_000")  # sixty tasks


def arm(agent: str, *words: str) -> Arm:
    """An agent in the world of this study."""
    return Arm(agent, (f"agent={agent}", *WORLD, *words))


STUDY = ReturnStudy(
    name="long_lives",
    title="Sixty permuted CartPoles",
    arms=(
        arm("ppo"),
        arm("ppo_fresh"),
        arm("ppo+cbp"),  # by itself, with the usual betas; ppo_cbp has equal betas and a weight decay
        arm("ppo_layer_norm"),
        arm("ppo_l2_init"),
        Arm("ppo no change", ("agent=ppo", *WORLD, "env.changes=false")),
        arm("ppo_cbp"),
        arm("ppo_redo"),
        arm("ppo_shrink_perturb"),
        arm("ppo_weight_clipping"),
        arm("ppo_trac"),
        arm("ppo_fire"),
        arm("ppo_churn"),
        arm("ppo_tuned"),
        arm("ppo_l2"),
    ),
    seeds=range(10),
    change_every=30_000,
    bin_steps=30_000,
    fresh="ppo_fresh",
    quick=("total_steps=30_720", "env.change_every=10_000", "agent.epochs=1"),
)

if __name__ == "__main__":
    main(STUDY)
