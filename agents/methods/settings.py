"""The settings of what an agent can have on top of another, and how it is made of them: methods, and networks."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from agents.recipe import Agent

if TYPE_CHECKING:
    from plastic_rl.optim import Plasticity


@dataclass
class AddedSettings(Agent):
    """The settings of something; an agent that has it inherits from this, and from the agent that it is without it."""

    summary: ClassVar[str]
    """The end of the sentence that says what an agent with it is."""

    bases: ClassVar[frozenset[str]] = frozenset()
    """The names of the agents that can have it; none for all."""


@dataclass
class NetworkSettings(AddedSettings):
    """The settings of a network: what follows its hidden layers."""

    def network_options(self) -> dict[str, Any]:
        """Return what `plastic_rl.networks.nonlinearity` is to be told: plain values, by name."""
        raise NotImplementedError


class Place(IntEnum):
    """The place of a method in a stack, from the innermost on."""

    step = 0
    """It does the optimiser's step again in its own way: around another method it would take its work for one."""

    weights = 1
    """It moves weights beside the step, or only looks on."""

    size = 2
    """It says how large weights are, whatever has moved them."""

    units = 3
    """It draws units or layers afresh: what moves weights would move newborn units before anybody has seen them."""

    shapes = 4
    """It changes the shapes of weights, which all that remembers weights has to follow: the outermost of all."""


@dataclass
class MethodSettings(AddedSettings):
    """The settings of a method that wraps an optimiser."""

    method: ClassVar[str]
    """The class of `plastic_rl.optim`; the fields beside it are its settings."""

    place: ClassVar[Place] = Place.weights

    def plasticity(self) -> Plasticity:
        """Return the method, still without its optimiser and layers; who has a seed adds it."""
        declared = next(kind for kind in type(self).__mro__ if "method" in vars(kind))
        settings = {setting.name: getattr(self, setting.name) for setting in fields(declared)}
        return partial(getattr(import_module("plastic_rl.optim"), self.method), **settings)

    def plasticity_in(self, agent: Agent) -> Plasticity:
        """Return the method as an agent's own settings want it.

        Args:
            agent: Whose optimiser it is to wrap.
        """
        return self.plasticity()
