"""Makers of new units: rows of incoming weights for slots of the fringe."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor


@dataclass(frozen=True)
class Surroundings:
    """The sources that a new unit may read, and the units of its level that are useful.

    Args:
        values: of its sources on the present example: the constant 1, the inputs, the backbone units below.
        useful: rows of incoming weights of the level's backbone units.
        utility: theirs.
    """

    values: Float[Tensor, " sources"]
    useful: Float[Tensor, "units sources"]
    utility: Float[Tensor, " units"]


class UnitMaker(ABC):
    """Draws incoming weights; the first is that of the constant, and 0 is no connection."""

    @abstractmethod
    def __call__(self, around: Surroundings, count: int, draws: Generator) -> Float[Tensor, "count sources"]:
        """The weights of some new units.

        Args:
            around: what they may read.
            count: how many are born.
            draws: of the network that they join.
        """


@dataclass(frozen=True)
class RandomUnits(UnitMaker):
    """Weights drawn as those of a new layer: normal with variance scale² / fan-in, and constants of 0, as CBP has it.

    Args:
        scale: of the drive, for sources of mean square 1.
        fan_in: how many sources besides the constant a unit reads, drawn at random; None for all.
        signs: weights of +1 and -1, times the same scale, as of the threshold units of Mahmood & Sutton (2013).
    """

    scale: float = 1.0
    fan_in: int | None = None
    signs: bool = False

    def __call__(self, around: Surroundings, count: int, draws: Generator) -> Tensor:
        sources = len(around.values) - 1
        weights = torch.randn(count, sources, generator=draws)
        weights = weights.sign() if self.signs else weights
        connected = _connected(count, sources, self.fan_in, draws)
        weights = weights * connected * self.scale / max(1, min(self.fan_in or sources, sources)) ** 0.5
        return _with_constant(weights, torch.zeros(count, 1)).to(around.values)


@dataclass(frozen=True)
class ImprintedUnits(UnitMaker):
    """Units tuned to the present input x: w = g x / ‖x‖², b = -g ρ, so that a unit is on where w·x > g ρ.

    Our reading of "imprinting": after "weight imprinting" (Qi, Brown & Lowe, CVPR 2018), of incoming weights.

    Args:
        likeness: ρ: the cosine with the imprinted input, for inputs of its length, above which a unit is on.
        gain: g, of the drive; 1 - ρ of it is what the imprinted input itself gives.
        fan_in: how many sources besides the constant a unit reads, drawn at random; None for all.
    """

    likeness: float = 0.6
    gain: float = 2.5
    fan_in: int | None = None

    def __call__(self, around: Surroundings, count: int, draws: Generator) -> Tensor:
        values = around.values[1:].cpu()
        seen = values * _connected(count, len(values), self.fan_in, draws)
        size = seen.square().sum(1, keepdim=True).clamp(min=1e-12)
        return _with_constant(self.gain * seen / size, torch.full((count, 1), -self.gain * self.likeness)).to(
            around.values
        )


@dataclass(frozen=True)
class MutatedUnits(UnitMaker):
    """Copies of backbone units, drawn by their utility, with noise; random units where there is none yet.

    Args:
        noise: its standard deviation, in root mean squares of the weights that are copied.
        otherwise: makes units where there is nothing to copy.
    """

    noise: float = 0.5
    otherwise: UnitMaker = RandomUnits()

    def __call__(self, around: Surroundings, count: int, draws: Generator) -> Tensor:
        if not len(around.useful):
            return self.otherwise(around, count, draws)
        chances = around.utility.clamp(min=0).cpu() + 1e-12
        parents = around.useful.cpu()[torch.multinomial(chances, count, replacement=True, generator=draws)]
        size = parents.square().mean(1, keepdim=True).sqrt()
        noise = torch.randn(parents.shape, generator=draws) * size * self.noise
        return torch.where(parents != 0, parents + noise, 0.0).to(around.values)


def _connected(count: int, sources: int, fan_in: int | None, draws: Generator) -> Tensor:
    if fan_in is None or fan_in >= sources:
        return torch.ones(count, sources)
    order = torch.rand(count, sources, generator=draws).argsort(1)
    return (order.argsort(1) < fan_in).float()


def _with_constant(weights: Tensor, constants: Tensor) -> Tensor:
    return torch.cat([constants, weights], 1)
