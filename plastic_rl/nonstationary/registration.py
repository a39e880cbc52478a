"""Registers the ids of plastic_rl's environments with Gymnasium, and says when each of them changes.

Gymnasium has had no plug-in entry point since version 1.0: somebody must import ``plastic_rl.nonstationary``, or name
it in front of the id as in ``gymnasium.make("plastic_rl.nonstationary:plastic_rl/SlipperyAnt-v0")``. The environments
are named by strings, so that registering them imports no simulator.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gymnasium.envs.registration import register, registry

_PACKAGE = "plastic_rl.nonstationary"


class World(NamedTuple):
    """A registered environment that changes.

    Args:
        function: Its function in :mod:`plastic_rl.nonstationary.worlds`.
        base: The environment that changes; None if the function says so itself.
        change_every: Environment steps of the run from one task to the next.
        max_episode_steps: The longest episode; None if the environments within have limits of their own.
    """

    function: str
    base: str | None
    change_every: int
    max_episode_steps: int | None

    @property
    def arguments(self) -> dict[str, Any]:
        """What the function is called with unless told otherwise."""
        base = {} if self.base is None else {"base": self.base}
        return base | {"change_every": self.change_every}


WORLDS = {
    "SlipperyAnt": World("slippery", "Ant-v5", 2_000_000, 1000),
    "SlipperyHopper": World("slippery", "Hopper-v5", 2_000_000, 1000),
    "SlipperyWalker2d": World("slippery", "Walker2d-v5", 2_000_000, 1000),
    "SlipperyHalfCheetah": World("slippery", "HalfCheetah-v5", 2_000_000, 1000),
    "GravityAnt": World("gravity", "Ant-v5", 2_000_000, 1000),
    "HeavyAnt": World("heavy", "Ant-v5", 2_000_000, 1000),
    "DamagedAnt": World("damaged", "Ant-v5", 1_000_000, 1000),
    "RecurringAnt": World("recurring", "Ant-v5", 1_000_000, 1000),
    "PermutedAnt": World("permuted", "Ant-v5", 2_000_000, 1000),
    "PermutedPendulum": World("permuted", "Pendulum-v1", 100_000, 200),
    "PermutedCartPole": World("permuted", "CartPole-v1", 20_000, 500),
    "NoisyCartPole": World("noisy", "CartPole-v1", 100_000, 500),
    "NoisyAcrobot": World("noisy", "Acrobot-v1", 100_000, 500),
    "NoisyLunarLander": World("noisy", "LunarLander-v3", 200_000, 1000),
    "ShiftingCartPole": World("shifting_cartpole", None, 50_000, 500),
    "PixelPermutedCatch": World("pixel_permuted_catch", None, 50_000, None),
    "ClassicChain": World("classic_chain", None, 100_000, None),
    "MinAtarChain": World("minatar_chain", None, 10_000_000, 5000),
}
"""Every world by its name in ``plastic_rl/<name>-v0``."""


def register_environments() -> None:
    """Makes the ids known; a second call does nothing."""
    if "plastic_rl/Catch-v0" in registry:
        return
    register("plastic_rl/Catch-v0", f"{_PACKAGE}.catch:Catch")
    for name, world in WORLDS.items():
        register(
            f"plastic_rl/{name}-v0",
            f"{_PACKAGE}.worlds:{world.function}",
            max_episode_steps=world.max_episode_steps,
            kwargs=world.arguments,
        )
