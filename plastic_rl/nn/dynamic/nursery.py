"""Births: new units are made for masters that need them, at a rate, or imprinted when something calls for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor

from plastic_rl.nn.dynamic.generators import Surroundings, UnitMaker
from plastic_rl.nn.dynamic.network import BACKBONE
from plastic_rl.nn.dynamic.population import Population, Sources
from plastic_rl.nn.dynamic.readings import Readings


class Nursery:
    """The births of a population, with a generator for each copy.

    Args:
        population: that units are born into.
        maker: of their incoming weights.
        seeds: of the draws of each copy.
        readings: say for which masters units are born.
    """

    def __init__(self, population: Population, maker: UnitMaker, seeds: Sequence[int], readings: Readings) -> None:
        self.population, self.network, self.maker, self.readings = population, population.network, maker, readings
        self.draws = [Generator().manual_seed(seed) for seed in seeds]

    def bear(self, births: Sequence[int], sources: Sources, maker: UnitMaker | None = None) -> list[list[int]]:
        """Lets units be born for masters in need, at levels below them.

        Args:
            births: how many, in each copy.
            sources: an example of each copy, as it is read.
            maker: of these units; None for the usual one.

        Returns:
            Their numbers, in each copy.
        """
        if not any(births):
            return [[] for _ in births]
        sources = self.population.make_room(births, sources)
        return [self._bear(copy, count, sources[copy], maker or self.maker) for copy, count in enumerate(births)]

    def _bear(self, copy: int, births: int, sources: Tensor, maker: UnitMaker) -> list[int]:
        if not births:
            return []
        masters, levels = self.readings.masters(self.network, copy, births, self.draws[copy])
        born: list[int] = []
        for level in sorted(set(levels)):
            of_level = [master for master, at in zip(masters, levels, strict=True) if at == level]
            born += self._bear_at(copy, level, of_level, sources, maker)
        return born

    def _bear_at(self, copy: int, level: int, masters: list[int], sources: Tensor, maker: UnitMaker) -> list[int]:
        network, slots = self.network, self.network.slots
        units = self.population.free_slots(copy, level)[: len(masters)]
        readable = torch.cat([torch.ones(slots.first), network.backbone[copy, : level * slots.each].cpu()])
        places = readable.nonzero()[:, 0].to(sources.device)
        rows = sources.new_zeros(len(masters), slots.below(level))
        rows[:, places] = maker(self._around(copy, level, sources, places), len(masters), self.draws[copy])
        self.population.bear(copy, units, rows, masters)
        return units

    def _around(self, copy: int, level: int, sources: Tensor, places: Tensor) -> Surroundings:
        network, here = self.network, self.network.slots.of(level)
        useful = (network.role[copy, here] == BACKBONE).nonzero()[:, 0]
        rows = network.weights[level].detach()[copy, useful][:, places]
        return Surroundings(sources[places], rows, network.utility[copy, here][useful])

    def state_dict(self) -> dict[str, Any]:
        """The state that is needed to go on exactly."""
        return {"draws": [each.get_state() for each in self.draws]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state."""
        for each, saved in zip(self.draws, state["draws"], strict=True):
            each.set_state(saved.cpu())
