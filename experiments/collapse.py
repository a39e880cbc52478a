"""The collapse in aligned control: does continual backprop undo it, at another rate or beside another method?

The settings are those of `protocol=aligned` (docs/environments.md), but for an offset that is redrawn every 40,000
steps, not 160,000: PPO's policy is lost within five rollouts of a change. Two changes, five seeds. What stands beside
continual backprop also stands alone, to say which of the two it is.

python -m experiments.collapse            # runs what is missing (an hour on one core), then draws
python -m experiments.collapse --draw     # draws from the committed table
python -m experiments.collapse --quick    # a hundredth of it, into a scratch folder
"""

from __future__ import annotations

from collections.abc import Mapping

from experiments.plasticity_study import PlasticityStudy
from experiments.rivals import RIVALS
from experiments.runs import Arm
from experiments.study import main

WORLD = (
    *("env=noisy-cartpole", "protocol=aligned", "agent.lean=quick"),
    *("env.change_every=40_000", "total_steps=120_000"),
)

BESIDE: Mapping[str, tuple[str, ...]] = {
    # A unit is newborn once in so many updates: 10,000 (the recipe's), 1,000 and 100 after it has come of age.
    "ppo+cbp rate 1e-3": ("agent=ppo+cbp", "agent.cbp.replacement_rate=1e-3"),
    "ppo+cbp rate 1e-2": ("agent=ppo+cbp", "agent.cbp.replacement_rate=1e-2"),
    "ppo+cbp decay 1e-3": ("agent=ppo+cbp", "agent.weight_decay=1e-3"),
    "ppo decay 1e-3": ("agent=ppo", "agent.weight_decay=1e-3"),
    "ppo+cbp+layer_norm": ("agent=ppo+cbp+layer_norm",),
}

ARMS: Mapping[str, tuple[str, ...]] = {
    **{name: RIVALS[name] for name in ("ppo", "ppo_fresh", "ppo+cbp", "ppo_cbp")},
    **BESIDE,
    **{name: RIVALS[name] for name in ("ppo_layer_norm", "ppo+cbp+l2_init", "ppo_l2_init")},
}

STUDY = PlasticityStudy(
    name="collapse",
    title="Noisy CartPole, three tasks of 40,000 steps",
    arms=tuple(Arm(name, (*words, *WORLD)) for name, words in ARMS.items()),
    seeds=range(5),
    change_every=40_000,
    bin_steps=4_000,
    fresh="ppo_fresh",
    shown=("ppo", "ppo_fresh", "ppo+cbp", "ppo_layer_norm", "ppo_l2_init"),
    seeds_together=True,
    quick=("total_steps=8_000", "env.change_every=4_000", "agent.epochs=1"),
)

if __name__ == "__main__":
    main(STUDY)
