"""The copies of a changing world, and the number of them for which each counts."""

from __future__ import annotations

import logging
from weakref import WeakSet

from stable_baselines3.common.vec_env import VecEnv

logger = logging.getLogger(__name__)

_told: WeakSet[VecEnv] = WeakSet()


def wrong_pace(env: VecEnv) -> str | None:
    """The fault of a world that changes too late, or too early, since it was made for another number of copies."""
    if not env.has_attr("run_clock"):
        return None
    expected = env.num_envs
    given = sorted({clock.copies for clock in env.get_attr("run_clock")} - {expected})
    if not given:
        return None
    numbers = ", ".join(map(str, given))
    return (
        f"{expected} copies of a changing world step together, but were made with copies={numbers}: its changes come "
        f"after {expected}/{numbers} times as many steps as its schedule says. Make them with copies={expected}, as in "
        f"make_vec_env(id, {expected}, env_kwargs={{'copies': {expected}}})"
    )


def warn_of_wrong_pace(env: VecEnv | None) -> None:
    """Says so in the log, once for an environment."""
    if env is None or env in _told:
        return
    fault = wrong_pace(env)
    if fault is not None:
        _told.add(env)
        logger.warning("%s.", fault)
