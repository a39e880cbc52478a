"""Aligned control: the protocol of C-CHAIN (Tang et al., ICML 2025) for classic control with offsets on the senses.

Values of their released code: one environment, no normalisation of observations or rewards, rewards divided by 20,
ten levels of 200 iterations of 800 environment steps, the first of them clean, episodes of at most 400 steps; PPO with
separate perceptrons of 3 x 256 leaky rectifiers, torch's initialisation, Adam as it comes at 1e-3, no clipping of
gradients. MountainCar has smaller offsets and 400 iterations a level. `protocol=aligned` stands for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping

_WORLD: Mapping[str, object] = {
    "env.n_envs": 1,
    "env.change_every": 160_000,
    "env.deviation": 2.0,
    "env.first_clean": True,
    "env.episode_steps": 400,
    "env.reward_scale": 0.05,
    "total_steps": 1_600_000,
}

WORLDS: Mapping[str, Mapping[str, object]] = {
    "noisy-cartpole": _WORLD,
    "noisy-acrobot": _WORLD,
    "noisy-lunarlander": _WORLD,
    "noisy-mountaincar": {**_WORLD, "env.change_every": 320_000, "env.deviation": 0.02},
}
"""The settings of each world of the protocol, by their names on the command line."""

PPO: Mapping[str, object] = {
    "agent.hidden_layers": 3,
    "agent.hidden_units": 256,
    "agent.negative_slope": 0.1,
    "agent.initialization": "torch",
    "agent.learning_rate": 1e-3,
    "agent.rollout_steps": 800,
    "agent.epochs": 5,
    "agent.minibatch_size": 32,
    "agent.advantages_over": "rollout",
    "agent.entropy_coefficient": 0.01,
    "agent.value_coefficient": 0.5,
    "agent.max_gradient_norm": 1e9,  # nothing is clipped
}
"""The settings of every agent there; what its own method is set to, its recipe says."""
