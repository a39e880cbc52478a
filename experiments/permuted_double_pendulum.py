"""Ten double pendulums of MuJoCo in a row, whose senses are permuted and change their signs: what keeps PPO plastic.

`InvertedDoublePendulum-v5` with the settings of `env=permuted-cartpole` (2 x 64 ReLU units, separate actor and critic,
rollouts of 1,024 steps from 8 copies, Adam at 1e-3), but without an entropy bonus. Each seed draws tasks of its
own, and some are far harder than others, so agents are compared seed by seed. No setting was chosen in this world, but
its first run is why `ppo_plastic` has its actions spread anew at a change. Of the rivals (`experiments/rivals.py`)
three have not been run, and are left out; not because of what they reach.

python -m experiments.permuted_double_pendulum            # runs what is missing (half an hour an arm), then draws
python -m experiments.permuted_double_pendulum --draw     # draws from the committed table
python -m experiments.permuted_double_pendulum --quick    # a hundredth of it, into a scratch folder
"""

from __future__ import annotations

from collections.abc import Mapping

from experiments.plasticity_study import OF_FORCES, PlasticityStudy
from experiments.rivals import RIVALS
from experiments.runs import Arm
from experiments.study import main

NOT_RUN_YET = ("ppo_fire detected", "ppo_plastic announced", "ppo+cbp+l2_init")

ARMS: Mapping[str, tuple[str, ...]] = {
    **{name: words for name, words in RIVALS.items() if name not in NOT_RUN_YET},
    "ppo entropy bonus": ("agent=ppo", "agent.entropy_coefficient=0.01"),  # that of the CartPoles
    "ppo_reset_spread": ("agent=ppo_reset_spread",),  # nothing but the spread of actions starts over
    "ppo_plastic spread kept": RIVALS["ppo_plastic"],  # what `ppo_plastic` was before this study
    "ppo_plastic": ("agent=ppo_plastic",),
}

WORLD = (
    *("env.id=InvertedDoublePendulum-v5", "env.change=permute_observations", "env.change_every=60_000"),
    *("env.n_envs=8", "agent.rollout_steps=1024", "agent.hidden_units=64", "agent.learning_rate=1e-3"),
    *("agent.lean=quick", "total_steps=600_000"),
)

SHOWN = (
    *("ppo", "ppo_fresh", "ppo_l2_init", "ppo_layer_norm", "ppo+cbp"),
    *("ppo_reset_spread", "ppo_plastic spread kept", "ppo_plastic"),
)

STUDY = PlasticityStudy(
    name="permuted_double_pendulum",
    title="Ten permuted double pendulums",
    arms=tuple(Arm(name, (*words, *WORLD)) for name, words in ARMS.items()),
    seeds=range(5),
    change_every=60_000,
    bin_steps=10_000,
    fresh="ppo_fresh",
    shown=SHOWN,
    instruments=OF_FORCES,
    seeds_together=True,
    pairs_seeds=True,
    quick=("total_steps=20_480", "env.change_every=10_240", "agent.epochs=1"),
)

if __name__ == "__main__":
    main(STUDY)
