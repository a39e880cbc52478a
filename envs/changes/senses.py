"""Changes of what an agent sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from envs.changes.drawn import Numbers
from envs.changes.settings import ChangeSettings
from plastic_rl.protocols import NOISY_CARTPOLE, PIXEL_PERMUTED_CATCH
from plastic_rl.settings import Count


@dataclass
class PermuteObservations(ChangeSettings):
    """The order of the entries of the observation, and their signs."""

    change: ClassVar[str] = "PermuteObservations"

    signs: bool = True  # half of the entries, on average, change sign, too


@dataclass
class FlipObservations(ChangeSettings):
    """Entries of the observation that have the other sign, which ones is drawn anew."""

    change: ClassVar[str] = "FlipObservations"

    values: Numbers = 0.5  # share of the entries; ours


@dataclass
class MaskObservations(ChangeSettings):
    """Entries of the observation that read zero, which ones is drawn anew."""

    change: ClassVar[str] = "MaskObservations"

    values: Numbers = 0.25  # share of the entries; ours


@dataclass
class OffsetObservations(ChangeSettings):
    """A constant on each entry of the observation: the noise of TRAC (Muppidi et al. 2024) and C-CHAIN."""

    change: ClassVar[str] = "OffsetObservations"

    values: Numbers = NOISY_CARTPOLE.deviation  # standard deviation of an entry's offset, in its unit (TRAC, C-CHAIN)
    redraw: bool = True  # each task has offsets of its own; false: one direction for life, for sensors that drift
    first_clean: bool = False  # the first task has none (C-CHAIN, Tang et al. 2025)


@dataclass
class ScaleObservations(ChangeSettings):
    """A factor of each entry of the observation."""

    change: ClassVar[str] = "ScaleObservations"

    values: Numbers = 0.5  # standard deviation of the logarithm of an entry's factor; ours
    redraw: bool = True  # each task has factors of its own; false: one direction for life, for sensors that drift


@dataclass
class ObservationNoise(ChangeSettings):
    """Noise on the observation at every step, of another strength in each task."""

    change: ClassVar[str] = "ObservationNoise"

    values: Numbers = "uniform(0,0.5)"  # standard deviation of an entry's noise, in its unit; ours


@dataclass
class DelayObservations(ChangeSettings):
    """The number of steps by which the observation is late."""

    change: ClassVar[str] = "DelayObservations"

    values: Numbers = "uniform(0,3)"  # environment steps, rounded; ours


@dataclass
class PermutePixels(ChangeSettings):
    """Squares of the picture that are put together anew."""

    change: ClassVar[str] = "PermutePixels"

    patch: Count = PIXEL_PERMUTED_CATCH.patch  # pixels a side of a square that stays whole; ours


@dataclass
class Recolour(ChangeSettings):
    """The brightness of the picture, and the order of its channels."""

    change: ClassVar[str] = "Recolour"

    values: Numbers = "uniform(0.5,1.5)"  # factor of the brightness; ours
    permute: bool = True  # the channels change places, too


@dataclass
class Occlude(ChangeSettings):
    """A rectangle of the picture that is blank, where it lies is drawn anew."""

    change: ClassVar[str] = "Occlude"

    values: Numbers = 0.3  # the rectangle's sides as a share of the picture's; ours
