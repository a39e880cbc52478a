"""The worlds behind the registered ids: what changes in them.

By how much and when stands in :mod:`plastic_rl.protocols`, from where registration takes the arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Required, TypedDict, Unpack

import gymnasium

from plastic_rl.nonstationary.attribute_changes import CartPolePhysics
from plastic_rl.nonstationary.chain import Chain
from plastic_rl.nonstationary.changes import Change
from plastic_rl.nonstationary.images import PermutePixels
from plastic_rl.nonstationary.mujoco_bodies import BodyMass, Friction, Gravity
from plastic_rl.nonstationary.mujoco_joints import DamagedActuators
from plastic_rl.nonstationary.observations import OffsetObservations, PermuteObservations
from plastic_rl.nonstationary.replayed import Replayed
from plastic_rl.nonstationary.schedule_patterns import Cycle
from plastic_rl.nonstationary.schedules import Every, Schedule
from plastic_rl.nonstationary.values import Listed, LogUniformValues
from plastic_rl.nonstationary.wrapper import Nonstationary
from plastic_rl.protocols import ANT_SETTINGS


class CopySettings(TypedDict, total=False):
    """The copies in which a world is lived in, as its id takes them.

    Gymnasium passes on whatever else ``make`` was called with; it goes to the environment that changes.

    Args:
        copies: The number of copies that step together.
        resets_take_a_step: See :class:`Nonstationary`.
    """

    copies: int
    resets_take_a_step: bool


class LifeSettings(CopySettings, total=False):
    """The life of a world whose tasks are drawn, as its id takes it.

    Args:
        change_every: Environment steps of the run from one task to the next.
        seed: The seed of the tasks.
        render_mode: The environment's.
    """

    change_every: Required[int]
    seed: int
    render_mode: str | None


def slippery(base: str, *, friction_low: float, friction_high: float, **life: Unpack[LifeSettings]) -> Nonstationary:
    """A robot whose friction is redrawn: every geom's default times a factor, log-uniform."""
    return _changing(base, Friction(friction_low, friction_high), **life)


def gravity(base: str, *, gravity_low: float, gravity_high: float, **life: Unpack[LifeSettings]) -> Nonstationary:
    """A robot that weighs more or less: gravity's factor is redrawn, log-uniform."""
    return _changing(base, Gravity(LogUniformValues(gravity_low, gravity_high)), **life)


def heavy(base: str, *, mass_low: float, mass_high: float, **life: Unpack[LifeSettings]) -> Nonstationary:
    """A robot whose bodies have another mass, and inertia with it: one factor is redrawn, log-uniform."""
    return _changing(base, BodyMass(LogUniformValues(mass_low, mass_high)), **life)


def damaged(base: str, *, failures: int, **life: Unpack[LifeSettings]) -> Nonstationary:
    """A robot that is whole in every other task, and in those between lacks so many actuators, drawn anew."""
    return _changing(base, DamagedActuators(Listed([0, failures])), **life)


def recurring(base: str, *, frictions: Sequence[float], **life: Unpack[LifeSettings]) -> Nonstationary:
    """A robot on a few grounds in a cycle, to see what is remembered and what must be learnt again."""
    return _changing(base, Friction(Listed(frictions)), returning=len(frictions), **life)


def shifting_pole(base: str, *, factor_low: float, factor_high: float, **life: Unpack[LifeSettings]) -> Nonstationary:
    """A CartPole whose pole has another length and mass: each default times a factor, redrawn, log-uniform."""
    pole: Any = gymnasium.make(base).unwrapped
    lengths = LogUniformValues(pole.length * factor_low, pole.length * factor_high)
    masses = LogUniformValues(pole.masspole * factor_low, pole.masspole * factor_high)
    return _changing(base, CartPolePhysics(length=lengths, pole_mass=masses), **life)


def permuted(base: str, *, signs: bool, returning: int, **life: Unpack[LifeSettings]) -> Nonstationary:
    """An environment whose observations are permuted anew.

    Args:
        base: Id of an environment.
        signs: Whether entries change sign.
        returning: The number of different permutations, which then come in turn; 0 for none twice.
        **life: See :class:`LifeSettings`.
    """
    return _changing(base, PermuteObservations(signs), returning=returning, **life)


def noisy(base: str, *, deviation: float, first_clean: bool, **life: Unpack[LifeSettings]) -> Nonstationary:
    """An environment with an offset on its observations, redrawn N(0, deviation²); the first task has none if clean."""
    return _changing(base, OffsetObservations(deviation, first_clean=first_clean), **life)


def pixel_permuted(base: str, *, patch: int, **life: Unpack[LifeSettings]) -> Nonstationary:
    """An environment in pixels, whose picture is cut into squares that are put together anew."""
    return _changing(base, PermutePixels(patch), **life)


def environment_chain(
    *, environments: Sequence[str], change_every: int, render_mode: str | None = None, **copies: Unpack[CopySettings]
) -> Chain:
    """Environments one after another; there is nothing to draw, so it takes no ``seed``."""
    return Chain(environments, Every(change_every), render_mode=render_mode, **copies)


def game_chain(
    *, games: Sequence[str], change_every: int, render_mode: str | None = None, **copies: Unpack[CopySettings]
) -> Chain:
    """MinAtar games one after another, their channels padded to 10 as in C-CHAIN; it takes no ``seed``."""
    from plastic_rl.nonstationary.minatar_game import MinAtarGame

    return Chain([MinAtarGame(game, render_mode) for game in games], Every(change_every), **copies)


def _changing(
    base: str,
    change: Change,
    *,
    change_every: int,
    returning: int = 0,
    seed: int = 0,
    copies: int = 1,
    resets_take_a_step: bool = False,
    **arguments: Any,
) -> Nonstationary:
    schedule: Schedule = Cycle(Every(change_every), returning) if returning else Every(change_every)
    defaults = ANT_SETTINGS if base == "Ant-v5" else {}
    env = gymnasium.make(base, **{**defaults, **arguments}).unwrapped
    # Nobody can look into Box2D's world to save it.
    env = Replayed(env) if base.startswith("LunarLander") else env
    return Nonstationary(env, change, schedule, seed=seed, copies=copies, resets_take_a_step=resets_take_a_step)
