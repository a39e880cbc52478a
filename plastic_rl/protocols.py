"""The protocols of the worlds that plastic_rl registers: what changes by how much, and when, each value once.

Gymnasium's ids (:mod:`plastic_rl.nonstationary.registration`) and the recipes of the command line both read them here.
Nothing is imported, so that ``train.py --help`` answers before Gymnasium is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

ANT_SETTINGS: Mapping[str, Any] = {"include_cfrc_ext_in_observation": False, "contact_cost_weight": 0.0}
"""The arguments of Ant-v5 that come closest to the papers' Ant-v3.

With mujoco >= 2, Ant-v3's 84 contact-force entries and its contact cost were always zero (openai/gym issue 1541): 27
numbers and no cost are left. What remains different: v5 pays no healthy reward on the step on which the ant falls.
"""


@dataclass(frozen=True, kw_only=True)
class WorldProtocol:
    """A world that changes. The fields of its subclasses are the keywords of its id, ``gymnasium.make(id, ...)``.

    Args:
        change_every: Environment steps of the run from one task to the next; a change takes effect at a reset.
        max_episode_steps: The longest episode; None if the environments within have limits of their own.
    """

    maker: ClassVar[str]
    """The function of :mod:`plastic_rl.nonstationary.worlds` that makes the world."""

    change_every: int
    max_episode_steps: int | None = None

    @property
    def keywords(self) -> dict[str, Any]:
        """The keywords of the world's id, with their values."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "max_episode_steps"}


@dataclass(frozen=True, kw_only=True)
class ChangedEnvironment(WorldProtocol):
    """A world in which one environment changes.

    Args:
        base: The environment's id.
    """

    base: str


@dataclass(frozen=True, kw_only=True)
class SlipperyGround(ChangedEnvironment):
    """The friction of every geom is its default times a factor, log-uniform (Dohare et al., Nature 632, 2024)."""

    maker: ClassVar[str] = "slippery"

    friction_low: float = 0.02
    friction_high: float = 2.0


@dataclass(frozen=True, kw_only=True)
class ChangingGravity(ChangedEnvironment):
    """Gravity is its default times a factor, log-uniform; the range is ours."""

    maker: ClassVar[str] = "gravity"

    gravity_low: float = 0.25
    gravity_high: float = 2.0


@dataclass(frozen=True, kw_only=True)
class ChangingMass(ChangedEnvironment):
    """Mass and inertia are their defaults times a factor, log-uniform; the range is ours."""

    maker: ClassVar[str] = "heavy"

    mass_low: float = 0.5
    mass_high: float = 4.0


@dataclass(frozen=True, kw_only=True)
class FailingActuators(ChangedEnvironment):
    """Actuators, so many of them, do nothing in every other task; ours, after the crippled ants of meta-learning."""

    maker: ClassVar[str] = "damaged"

    failures: int = 1


@dataclass(frozen=True, kw_only=True)
class RecurringGround(ChangedEnvironment):
    """The factors of friction come in a cycle; ours."""

    maker: ClassVar[str] = "recurring"

    frictions: tuple[float, ...] = (0.05, 0.3, 2.0)


@dataclass(frozen=True, kw_only=True)
class ChangingPole(ChangedEnvironment):
    """The pole's length and its mass are their defaults times factors, log-uniform; the range is ours."""

    maker: ClassVar[str] = "shifting_pole"

    factor_low: float = 0.5
    factor_high: float = 4.0


@dataclass(frozen=True, kw_only=True)
class PermutedSenses(ChangedEnvironment):
    """Observations are permuted, with signs if wanted; so many permutations come in turn, or 0 for none twice. Ours."""

    maker: ClassVar[str] = "permuted"

    signs: bool = True
    returning: int = 0


@dataclass(frozen=True, kw_only=True)
class NoisySenses(ChangedEnvironment):
    """An offset is added to every observation, N(0, 2²): TRAC (Muppidi et al. 2024) and C-CHAIN (Tang et al. 2025)."""

    maker: ClassVar[str] = "noisy"

    deviation: float = 2.0
    first_clean: bool = False


@dataclass(frozen=True, kw_only=True)
class PermutedPicture(ChangedEnvironment):
    """Squares of the picture, so many pixels a side, are put together anew; ours."""

    maker: ClassVar[str] = "pixel_permuted"

    patch: int = 4


@dataclass(frozen=True, kw_only=True)
class EnvironmentChain(WorldProtocol):
    """Whole environments take turns; ours."""

    maker: ClassVar[str] = "environment_chain"

    environments: tuple[str, ...] = ("CartPole-v1", "Acrobot-v1", "MountainCar-v0")


@dataclass(frozen=True, kw_only=True)
class GameChain(WorldProtocol):
    """MinAtar's games take turns: C-CHAIN (Tang et al. 2025)."""

    maker: ClassVar[str] = "game_chain"

    games: tuple[str, ...] = ("space_invaders", "asterix", "seaquest")


SLIPPERY_ANT = SlipperyGround(base="Ant-v5", change_every=2_000_000, max_episode_steps=1000)
SLIPPERY_HOPPER = SlipperyGround(base="Hopper-v5", change_every=2_000_000, max_episode_steps=1000)
SLIPPERY_WALKER2D = SlipperyGround(base="Walker2d-v5", change_every=2_000_000, max_episode_steps=1000)
SLIPPERY_HALFCHEETAH = SlipperyGround(base="HalfCheetah-v5", change_every=2_000_000, max_episode_steps=1000)
GRAVITY_ANT = ChangingGravity(base="Ant-v5", change_every=2_000_000, max_episode_steps=1000)
HEAVY_ANT = ChangingMass(base="Ant-v5", change_every=2_000_000, max_episode_steps=1000)
DAMAGED_ANT = FailingActuators(base="Ant-v5", change_every=1_000_000, max_episode_steps=1000)
RECURRING_ANT = RecurringGround(base="Ant-v5", change_every=1_000_000, max_episode_steps=1000)
PERMUTED_ANT = PermutedSenses(base="Ant-v5", change_every=2_000_000, max_episode_steps=1000)
PERMUTED_PENDULUM = PermutedSenses(base="Pendulum-v1", change_every=100_000, max_episode_steps=200)
PERMUTED_CARTPOLE = PermutedSenses(base="CartPole-v1", change_every=30_000, max_episode_steps=500)
NOISY_CARTPOLE = NoisySenses(base="CartPole-v1", change_every=100_000, max_episode_steps=500)
NOISY_ACROBOT = NoisySenses(base="Acrobot-v1", change_every=100_000, max_episode_steps=500)
NOISY_LUNARLANDER = NoisySenses(base="LunarLander-v3", change_every=200_000, max_episode_steps=1000)
NOISY_MOUNTAINCAR = NoisySenses(base="MountainCar-v0", change_every=320_000, deviation=0.02, max_episode_steps=400)
SHIFTING_CARTPOLE = ChangingPole(base="CartPole-v1", change_every=50_000, max_episode_steps=500)
PIXEL_PERMUTED_CATCH = PermutedPicture(base="plastic_rl/Catch-v0", change_every=50_000)
CLASSIC_CHAIN = EnvironmentChain(change_every=100_000)
MINATAR_CHAIN = GameChain(change_every=10_000_000, max_episode_steps=5000)

WORLDS: Mapping[str, WorldProtocol] = {
    "SlipperyAnt": SLIPPERY_ANT,
    "SlipperyHopper": SLIPPERY_HOPPER,
    "SlipperyWalker2d": SLIPPERY_WALKER2D,
    "SlipperyHalfCheetah": SLIPPERY_HALFCHEETAH,
    "GravityAnt": GRAVITY_ANT,
    "HeavyAnt": HEAVY_ANT,
    "DamagedAnt": DAMAGED_ANT,
    "RecurringAnt": RECURRING_ANT,
    "PermutedAnt": PERMUTED_ANT,
    "PermutedPendulum": PERMUTED_PENDULUM,
    "PermutedCartPole": PERMUTED_CARTPOLE,
    "NoisyCartPole": NOISY_CARTPOLE,
    "NoisyAcrobot": NOISY_ACROBOT,
    "NoisyLunarLander": NOISY_LUNARLANDER,
    "NoisyMountainCar": NOISY_MOUNTAINCAR,
    "ShiftingCartPole": SHIFTING_CARTPOLE,
    "PixelPermutedCatch": PIXEL_PERMUTED_CATCH,
    "ClassicChain": CLASSIC_CHAIN,
    "MinAtarChain": MINATAR_CHAIN,
}
"""Every world by its name in ``plastic_rl/<name>-v0``."""
