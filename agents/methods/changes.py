"""Methods that act when a task or a rollout begins, or at an interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from agents.methods.settings import MethodSettings, Place
from plastic_rl.settings import Count, NonNegative, NonNegativeInteger, Rate


@dataclass
class ShrinkPerturbAtChange(MethodSettings):
    """Shrink and perturb at each change (Ash & Adams 2020; half and half, as in most later comparisons)."""

    method: ClassVar[str] = "ShrinkPerturbAtChange"
    summary: ClassVar[str] = "whose weights are shrunk and disturbed at each change (Ash & Adams 2020)"

    on_change: bool = True  # when a task begins, as the stream or the world announces it
    every: NonNegativeInteger = 0  # updates, or 0: where nobody announces changes
    shrink_by: Rate = 0.5  # share of each weight and bias that is lost
    perturb_by: NonNegative = 0.5  # share of a fresh one that is added


@dataclass
class AdamRel(MethodSettings):
    """Adam with relative timesteps (Ellis et al., NeurIPS 2024)."""

    method: ClassVar[str] = "AdamRel"
    summary: ClassVar[str] = "whose Adam counts its steps anew at each rollout or task (Ellis et al. 2024)"
    bases: ClassVar[frozenset[str]] = frozenset({"adam", "ppo", "recurrent_ppo"})

    on_rollout: bool = True  # count anew when the updates on a rollout begin
    on_change: bool = True  # and when a task begins
    every: NonNegativeInteger = 0  # updates, or 0: for hosts that tell of neither


@dataclass
class FIRE(MethodSettings):
    """FIRE (Han et al., ICLR 2026)."""

    method: ClassVar[str] = "FIRE"
    summary: ClassVar[str] = "whose weights become the nearest isometries at each change (FIRE, Han et al. 2026)"

    on_change: bool = True  # when a task begins, as the stream or the world announces it
    every: NonNegativeInteger = 0  # updates, or 0: where nobody announces changes
    iterations: Count = 10  # of Newton and Schulz


@dataclass
class OptimizerReset(MethodSettings):
    """Resets of the optimiser's moments (Asadi et al., NeurIPS 2023)."""

    method: ClassVar[str] = "OptimizerReset"
    summary: ClassVar[str] = "whose optimiser starts over at each change, the weights kept (Asadi et al. 2023)"

    on_change: bool = True  # when a task begins, as the stream or the world announces it
    every: NonNegativeInteger = 0  # updates, or 0: where nobody announces changes


@dataclass
class HeadReset(MethodSettings):
    """Resets of the last layers (Nikishin et al., ICML 2022)."""

    method: ClassVar[str] = "LayerReset"
    summary: ClassVar[str] = "whose last layers are drawn afresh at each change (Nikishin et al. 2022)"
    place: ClassVar[Place] = Place.units

    last: NonNegativeInteger = 1  # layers from the output, of actor and critic alike; 0 for all
    on_change: bool = True  # when a task begins, as the stream or the world announces it
    every: NonNegativeInteger = 0  # updates, or 0: where nobody announces changes; the paper's SAC, 200,000
    reset_optimizer: bool = True  # the optimiser forgets what it knows of them


@dataclass
class NetworkReset(HeadReset):
    """Resets of the whole network (Nikishin et al., ICML 2022)."""

    method: ClassVar[str] = "LayerReset"
    summary: ClassVar[str] = "whose whole network is drawn afresh at each change (Nikishin et al. 2022)"

    last: NonNegativeInteger = 0  # 0 for all layers


@dataclass
class SpreadReset(MethodSettings):
    """Resets of a Gaussian policy's spread (ours)."""

    method: ClassVar[str] = "SpreadReset"
    summary: ClassVar[str] = "whose continuous actions spread at each change as far as they did at first"
    place: ClassVar[Place] = Place.units
    bases: ClassVar[frozenset[str]] = frozenset({"ppo", "recurrent_ppo"})

    on_change: bool = True  # when a task begins, as the world announces it
    every: NonNegativeInteger = 0  # updates, or 0: where nobody announces changes


@dataclass
class PlasticityInjection(MethodSettings):
    """Plasticity injection (Nikishin et al., NeurIPS 2023)."""

    method: ClassVar[str] = "PlasticityInjection"
    summary: ClassVar[str] = "whose heads freeze at the first change, and fresh ones learn on (Nikishin et al. 2023)"
    place: ClassVar[Place] = Place.units

    last: NonNegativeInteger = 2  # layers of a head from the output, of actor and critic alike; 0 for all
    on_change: bool = True  # when the second task begins, as the stream or the world announces it
    after: NonNegativeInteger = 0  # updates, or 0: where nobody announces changes, or when learning comes to a halt
