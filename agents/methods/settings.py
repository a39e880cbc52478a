"""The settings of a method, and how the method is made of them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from agents.recipe import Agent

if TYPE_CHECKING:
    from plastic_rl.optim import Plasticity


@dataclass
class MethodSettings(Agent):
    """The settings of a method; an agent that uses it inherits from this, and from the agent that it is without it."""

    method: ClassVar[str]
    """The class of `plastic_rl.optim`; the fields beside it are its settings."""

    summary: ClassVar[str]
    """The end of the sentence that says what an agent with the method is."""

    bases: ClassVar[frozenset[str]] = frozenset()
    """The names of the agents that can have it; none for all."""

    resets_units: ClassVar[bool] = False
    """True if it draws units or layers afresh: it then goes around methods that move weights, which would move newborn
    units before anybody has seen them."""

    def plasticity(self) -> Plasticity:
        """Return the method, still without its optimiser and layers; who has a seed adds it."""
        declared = next(kind for kind in type(self).__mro__ if "method" in vars(kind))
        settings = {setting.name: getattr(self, setting.name) for setting in fields(declared)}
        return partial(getattr(import_module("plastic_rl.optim"), self.method), **settings)
