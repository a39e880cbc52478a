"""Registers the ids of plastic_rl's environments with Gymnasium.

Gymnasium has had no plug-in entry point since version 1.0: somebody must import ``plastic_rl.nonstationary``, or name
it in front of the id as in ``gymnasium.make("plastic_rl.nonstationary:plastic_rl/SlipperyAnt-v0")``. The environments
are named by strings, so that registering them imports no simulator.
"""

from __future__ import annotations

from gymnasium.envs.registration import register, registry

_WORLDS = "plastic_rl.nonstationary.worlds"
_ENVIRONMENTS = {
    "plastic_rl/SlipperyAnt-v0": ("slippery_ant", 1000),
    "plastic_rl/PermutedCartPole-v0": ("permuted_cartpole", 500),
}
"""Each id's function in :mod:`plastic_rl.nonstationary.worlds` and its longest episode in steps."""


def register_environments() -> None:
    """Makes the ids known; a second call does nothing."""
    for name, (function, max_episode_steps) in _ENVIRONMENTS.items():
        if name not in registry:
            register(name, f"{_WORLDS}:{function}", max_episode_steps=max_episode_steps)
