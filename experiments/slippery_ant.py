"""Slippery Ant: PPO on MuJoCo's Ant whose friction changes every two million steps (Dohare et al. 2024, Fig. 3).

The recipes of the paper's agents and a fresh agent at each change, for three frictions where the paper has ten. The
three seeds are a beginning: the paper has a hundred (30 in its figure).

python -m experiments.slippery_ant                       # runs what is missing (a day of one core), then draws
python -m experiments.slippery_ant --pack runs.tar.gz    # what there is so far, in one file
python -m experiments.slippery_ant --unpack runs.tar.gz  # goes on from it, on another machine
python -m experiments.slippery_ant --draw                # draws from the committed table
python -m experiments.slippery_ant --quick               # a little of it, into a scratch folder
"""

from __future__ import annotations

from experiments.plasticity_study import PlasticityStudy
from experiments.runs import Arm
from experiments.study import main

WORLD = ("env=slippery-ant", "total_steps=6_000_000")  # three frictions


def arm(agent: str) -> Arm:
    """An agent of the paper, with the settings of its recipe."""
    return Arm(agent, (f"agent={agent}", *WORLD))


STUDY = PlasticityStudy(
    name="slippery_ant",
    title="Slippery Ant",
    arms=(arm("ppo"), arm("ppo_fresh"), arm("ppo_tuned"), arm("ppo_l2"), arm("ppo_cbp")),
    seeds=range(3),
    change_every=2_000_000,
    bin_steps=50_000,
    fresh="ppo_fresh",
    shown=("ppo", "ppo_fresh", "ppo_tuned", "ppo_l2", "ppo_cbp"),
    seeds_together=True,
    quick=("total_steps=6_144", "env.change_every=2_048", "agent.epochs=1"),
)

if __name__ == "__main__":
    main(STUDY)
