"""The environments behind the registered ids: what changes in them and, unless told otherwise, when."""

from __future__ import annotations

from typing import Any

import gymnasium

from plastic_rl.nonstationary.physics import Friction
from plastic_rl.nonstationary.schedules import Every
from plastic_rl.nonstationary.senses import PermuteObservations
from plastic_rl.nonstationary.wrapper import Nonstationary


def slippery_ant(
    *, change_every: int = 2_000_000, seed: int = 0, copies: int = 1, low: float = 0.02, high: float = 2.0, **ant: Any
) -> Nonstationary:
    """An Ant whose friction is redrawn, log-uniform in [0.02, 2] (Dohare et al. 2024, Fig. 4).

    The paper used Ant-v3 with mujoco >= 2, whose 84 contact-force entries and contact cost were always zero
    (openai/gym issue 1541). Ant-v5 comes closest without them: 27 numbers and ``contact_cost_weight=0``. What remains
    different: v5 pays no healthy reward on the step on which the ant falls.

    Args:
        change_every: Environment steps of the run from one friction to the next.
        seed: Seed of the frictions.
        copies: How many copies of this environment step together.
        low: Smallest friction.
        high: Largest friction.
        **ant: Arguments of Ant-v5.
    """
    from gymnasium.envs.mujoco.ant_v5 import AntEnv

    env = AntEnv(**{"include_cfrc_ext_in_observation": False, "contact_cost_weight": 0.0, **ant})
    return Nonstationary(env, Friction(low, high), Every(change_every), seed=seed, copies=copies)


def permuted_cartpole(
    *, change_every: int = 20_000, seed: int = 0, copies: int = 1, signs: bool = True, **cartpole: Any
) -> Nonstationary:
    """A CartPole whose four observations are permuted, with random signs, anew every so often.

    Args:
        change_every: Environment steps of the run from one permutation to the next.
        seed: Seed of the permutations.
        copies: How many copies of this environment step together.
        signs: Whether signs change too.
        **cartpole: Arguments of CartPole-v1.
    """
    from gymnasium.envs.classic_control.cartpole import CartPoleEnv

    env: gymnasium.Env[Any, Any] = CartPoleEnv(**cartpole)
    return Nonstationary(env, PermuteObservations(signs), Every(change_every), seed=seed, copies=copies)
