"""The environments behind the registered ids: what changes in them.

When, and in which base environment, stands in :mod:`plastic_rl.nonstationary.registration`. Each function also takes
``change_every`` (environment steps of the run from one task to the next), ``seed`` (of the tasks), ``copies`` (how many
of the environment step together), ``resets_take_a_step`` (see ``Nonstationary``), and the base environment's arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium

from plastic_rl.nonstationary.attribute_changes import CartPolePhysics
from plastic_rl.nonstationary.chain import Chain
from plastic_rl.nonstationary.changes import Change
from plastic_rl.nonstationary.images import PermutePixels
from plastic_rl.nonstationary.mujoco_bodies import BodyMass, Friction, Gravity
from plastic_rl.nonstationary.mujoco_joints import DamagedActuators
from plastic_rl.nonstationary.observations import OffsetObservations, PermuteObservations
from plastic_rl.nonstationary.patterns import Cycle
from plastic_rl.nonstationary.replayed import Replayed
from plastic_rl.nonstationary.schedules import Every, Schedule
from plastic_rl.nonstationary.values import Listed, LogUniform
from plastic_rl.nonstationary.wrapper import Nonstationary

_DEFAULTS = {"Ant-v5": {"include_cfrc_ext_in_observation": False, "contact_cost_weight": 0.0}}
"""What makes Ant-v5 the closest to the papers' Ant-v3: see :func:`slippery`."""


def slippery(base: str, *, low: float = 0.02, high: float = 2.0, **life: Any) -> Nonstationary:
    """A robot whose friction is redrawn, log-uniform: Slippery Ant's protocol (Dohare et al. 2024, Fig. 3).

    The paper used Ant-v3 with mujoco >= 2, whose 84 contact-force entries and contact cost were always zero
    (openai/gym issue 1541). Ant-v5 comes closest without them: 27 numbers and ``contact_cost_weight=0``. What remains
    different: v5 pays no healthy reward on the step on which the ant falls.

    Args:
        base: Id of a MuJoCo environment.
        low: Smallest factor of every geom's default friction, which in Ant is 1.
        high: Largest factor.
        **life: See the module.
    """
    return _world(base, Friction(low, high), **life)


def gravity(base: str, *, low: float = 0.25, high: float = 2.0, **life: Any) -> Nonstationary:
    """A robot that weighs more or less: gravity's factor is redrawn, log-uniform."""
    return _world(base, Gravity(LogUniform(low, high)), **life)


def heavy(base: str, *, low: float = 0.5, high: float = 4.0, **life: Any) -> Nonstationary:
    """A robot whose bodies have another mass, and inertia with it: one factor is redrawn, log-uniform."""
    return _world(base, BodyMass(LogUniform(low, high)), **life)


def damaged(base: str, *, failures: int = 1, **life: Any) -> Nonstationary:
    """A robot that is whole in every other task, and in those between lacks some actuators, drawn anew."""
    return _world(base, DamagedActuators(Listed([0.0, float(failures)])), **life)


def recurring(
    base: str, *, change_every: int, frictions: Sequence[float] = (0.05, 0.3, 2.0), **life: Any
) -> Nonstationary:
    """A robot on a few grounds in a cycle, to see what is remembered and what must be learnt again."""
    values = [float(friction) for friction in frictions]
    return _world(base, Friction(Listed(values)), Cycle(Every(change_every), len(values)), **life)


def permuted(base: str, *, change_every: int, signs: bool = True, returning: int = 0, **life: Any) -> Nonstationary:
    """An environment whose observations are permuted anew, with random signs unless told otherwise.

    Args:
        base: Id of an environment.
        change_every: See the module.
        signs: Whether entries change sign.
        returning: How many different permutations there are, which then come in turn; 0 for none twice.
        **life: See the module.
    """
    schedule = Cycle(Every(change_every), returning) if returning else Every(change_every)
    return _world(base, PermuteObservations(signs), schedule, **life)


def noisy(base: str, *, deviation: float = 2.0, **life: Any) -> Nonstationary:
    """An environment with an offset on its observations, redrawn N(0, 2): the protocol of TRAC and C-CHAIN."""
    return _world(base, OffsetObservations(deviation), **life)


def shifting_cartpole(*, low: float = 0.5, high: float = 4.0, **life: Any) -> Nonstationary:
    """A CartPole whose pole has another length and mass: each default times a factor, redrawn, log-uniform."""
    physics = CartPolePhysics(length=LogUniform(0.5 * low, 0.5 * high), pole_mass=LogUniform(0.1 * low, 0.1 * high))
    return _world("CartPole-v1", physics, **life)


def pixel_permuted_catch(*, patch: int = 4, **life: Any) -> Nonstationary:
    """Catch in pixels, whose picture is cut into squares that are put together anew; for a convolutional policy."""
    return _world("plastic_rl/Catch-v0", PermutePixels(patch), **life)


def classic_chain(
    *, change_every: int, environments: Sequence[str] = ("CartPole-v1", "Acrobot-v1", "MountainCar-v0"), **life: Any
) -> Chain:
    """Classic control problems one after another; there is nothing to draw, so it takes no ``seed``."""
    return Chain(environments, Every(change_every), **life)


def minatar_chain(
    *,
    change_every: int,
    games: Sequence[str] = ("space_invaders", "asterix", "seaquest"),
    render_mode: str | None = None,
    **life: Any,
) -> Chain:
    """MinAtar games one after another, their channels padded to 10 as in C-CHAIN; it takes no ``seed``."""
    from plastic_rl.nonstationary.minatar_game import MinAtarGame

    return Chain([MinAtarGame(game, render_mode) for game in games], Every(change_every), **life)


def _world(
    base: str,
    change: Change,
    schedule: Schedule | None = None,
    *,
    change_every: int = 0,
    seed: int = 0,
    copies: int = 1,
    resets_take_a_step: bool = False,
    **arguments: Any,
) -> Nonstationary:
    settings: dict[str, Any] = {**_DEFAULTS.get(base, {}), **arguments}
    env = gymnasium.make(base, **settings).unwrapped
    return Nonstationary(
        Replayed(env) if base.startswith("LunarLander") else env,
        change,
        schedule or Every(change_every),
        seed=seed,
        copies=copies,
        resets_take_a_step=resets_take_a_step,
    )
