"""CartPole whose observation is scrambled anew now and then: a small problem that takes a minute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from envs.recipe import World
from plastic_rl.choices import Actions
from plastic_rl.protocols import PERMUTED_CARTPOLE
from plastic_rl.settings import Count, NonNegativeInteger


@dataclass
class PermutedCartPole(World):
    """CartPole; its four observations are permuted, with random signs, every 30,000 steps: seven tasks in a minute."""

    total_steps: ClassVar[int] = 210_000  # seven tasks
    actions: ClassVar[Actions] = Actions.discrete
    # Found by trial: PPO needs most of 30,000 steps for a fresh task, and a run takes a minute or a little more.
    agent_settings: ClassVar[Mapping[str, object]] = {
        "learning_rate": 1e-3,
        "rollout_steps": 1024,
        "hidden_units": 64,
        "entropy_coefficient": 0.01,  # else the policy is too sure of itself to explore when the task changes
        "replacement_rate": 1e-3,  # some two lives of a layer for each task; the paper's Ant sees sixteen
        "maturity_threshold": 500,  # minibatch updates; at 80 a rollout, 6,400 environment steps
    }

    n_envs: Count = 8
    change_every: Count = PERMUTED_CARTPOLE.change_every  # environment steps; takes effect at the next reset
    returning: NonNegativeInteger = PERMUTED_CARTPOLE.returning  # permutations, which come in turn; 0: none twice
