"""Registers the ids of plastic_rl's environments with Gymnasium.

Gymnasium has had no plug-in entry point since version 1.0: somebody must import ``plastic_rl.nonstationary``, or name
it in front of the id as in ``gymnasium.make("plastic_rl.nonstationary:plastic_rl/SlipperyAnt-v0")``. The environments
are named by strings, so that registering them imports no simulator.
"""

from __future__ import annotations

from gymnasium.envs.registration import register, registry

from plastic_rl.protocols import WORLDS

_PACKAGE = "plastic_rl.nonstationary"


def register_environments() -> None:
    """Makes the ids known; a second call does nothing."""
    if "plastic_rl/Catch-v0" in registry:
        return
    register("plastic_rl/Catch-v0", f"{_PACKAGE}.catch:Catch")
    for name, world in WORLDS.items():
        register(
            f"plastic_rl/{name}-v0",
            f"{_PACKAGE}.worlds:{world.maker}",
            max_episode_steps=world.max_episode_steps,
            kwargs=world.keywords,
        )
