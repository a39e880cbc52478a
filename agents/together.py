"""Agents that are put together by their names: `ppo+cbp+l2_init` is PPO with both methods, each with its own settings.

The settings of a method are under its word: `agent.cbp.replacement_rate=1e-3`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, make_dataclass
from difflib import get_close_matches
from functools import cache
from itertools import combinations
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar

from agents.acting import ActingAgent
from agents.methods import (
    EXCLUSIVE,
    METHODS,
    AddedSettings,
    ContinualBackprop,
    ContinualBackpropInPPO,
    ContinualBackpropOnStreams,
    MethodSettings,
    NetworkSettings,
)
from agents.methods.settings import Place
from agents.ppo import PPO
from agents.recipe import Agent, BackpropAgent
from agents.replay import FreshReplayAgent
from plastic_rl.errors import UserError

if TYPE_CHECKING:
    from plastic_rl.optim import Plasticity

JOINT = "+"


class Together(Agent):
    """An agent with methods; beside its own settings it has a group of them for each method, called by its word."""

    words: ClassVar[tuple[str, ...]]

    @property
    def methods(self) -> list[MethodSettings]:
        """The settings of its methods, the innermost first; in one place they are in the order of the alphabet."""
        parts = [getattr(self, word) for word in sorted(self.words)]
        methods = [part for part in parts if isinstance(part, MethodSettings)]
        return sorted(methods, key=lambda method: method.place)

    def plasticity(self) -> Plasticity | None:
        """Return all methods as one, that of the agent itself among them; None where there are networks alone."""
        from plastic_rl.optim import Stack

        base: Plasticity | None = super().plasticity()  # pyright: ignore
        place = self.place if isinstance(self, MethodSettings) else Place.weights
        stack = [] if base is None else [(place, base)]
        stack += [(method.place, method.plasticity_in(self)) for method in self.methods]
        return Stack([each for _, each in sorted(stack, key=itemgetter(0))]) if stack else None

    def network_options(self) -> dict[str, Any]:
        """Return what all its networks say of what follows a hidden layer."""
        options: dict[str, Any] = super().network_options()  # pyright: ignore
        parts = [getattr(self, word) for word in self.words]
        for part in parts:
            options = options | (part.network_options() if isinstance(part, NetworkSettings) else {})
        return options


def parts_of(agent: type[Agent]) -> dict[str, type[AddedSettings]]:
    """Return the methods of an agent that is put together by its name, by their words; empty for any other."""
    return {word: methods_for(agent)[word] for word in agent.words} if issubclass(agent, Together) else {}


def put_together(name: str, bases: Mapping[str, type[Agent]]) -> type[Agent]:
    """Return the agent of a name with methods in it.

    Args:
        name: Such as `ppo+cbp+l2_init`; the order of the methods is of no account.
        bases: The agents by their names.

    Raises:
        UserError: The first part is no agent that takes methods, another is no method, or two exclude each other.
    """
    base_name, *words = name.split(JOINT)
    base = bases[base_name]
    if not takes_methods(base):
        fitting = ", ".join(other for other, recipe in bases.items() if takes_methods(recipe) and not recipe.base_name)
        raise UserError(f"agent={base_name} takes no methods by +\nThose that do: {fitting}")
    _check(name, words, bases)
    return _made(base_name, base, tuple(words))


def takes_methods(agent: type[Agent]) -> bool:
    """True if methods can wrap an agent's optimiser: one that trains its network by backpropagation alone."""
    if issubclass(agent, PPO):
        return agent.algorithm is PPO.algorithm
    if issubclass(agent, ActingAgent):
        return not issubclass(agent, FreshReplayAgent)  # what a method remembers would be of the networks before
    return issubclass(agent, BackpropAgent) and agent.build_one is BackpropAgent.build_one


def methods_for(agent: type[Agent]) -> dict[str, type[AddedSettings]]:
    """Return the methods that an agent may have, by their words."""
    acts = ContinualBackpropInPPO if issubclass(agent, PPO) else ContinualBackprop
    return {"cbp": acts if issubclass(agent, ActingAgent) else ContinualBackpropOnStreams, **METHODS}


def _check(name: str, words: Sequence[str], bases: Mapping[str, type[Agent]]) -> None:
    base_name = name.partition(JOINT)[0]
    base = bases[base_name]
    there = methods_for(base)
    for word in words:
        if word not in there:
            raise UserError(_unknown(name, word, there, bases))
        if reason := base.cannot_have.get(word):
            raise UserError(f"agent={name}: {base_name} cannot have {word}, {reason}")
        fitting = there[word].bases
        if fitting and not issubclass(base, tuple(bases[each] for each in fitting)):
            raise UserError(f"agent={name}: {word} goes with {', '.join(sorted(fitting))} only")
    already = [word for kind in base.__mro__ for word, method in there.items() if method is kind]
    for one, other in combinations((*already[:1], *words), 2):
        if one == other:
            raise UserError(f"agent={name} has {one} twice: name each method once")
        if reason := EXCLUSIVE.get(frozenset((one, other))) or _same_option(there[one], there[other]):
            raise UserError(f"agent={name}: {one} and {other} exclude each other, {reason}: take one of them")


def _same_option(one: type[AddedSettings], other: type[AddedSettings]) -> str:
    """The reason why two networks cannot be one; empty where they can."""
    if not (issubclass(one, NetworkSettings) and issubclass(other, NetworkSettings)):
        return ""
    shared = one().network_options().keys() & other().network_options().keys()
    return f"as each is the {min(shared)} of the same network" if shared else ""


def _unknown(name: str, word: str, there: Iterable[str], bases: Iterable[str]) -> str:
    agent = f"{name.partition(JOINT)[0]}_{word.lower()}"
    near = (
        [f"agent={agent}"] if agent in bases and word.lower() not in there else get_close_matches(word.lower(), there)
    )
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"There is no method {word or '(no word)'} in agent={name}.{hint}\nThe methods: {', '.join(there)}"


@cache
def _made(base_name: str, base: type[Agent], words: tuple[str, ...]) -> type[Agent]:
    own = {
        "__doc__": f"{base.label or base_name} with {', '.join(words)}.",
        "__module__": __name__,
        "base_name": base_name,
        "words": words,
    }
    there = methods_for(base)
    groups = [(word, there[word], field(default_factory=there[word])) for word in words]
    return make_dataclass(JOINT.join((base_name, *words)), groups, bases=(Together, base), namespace=own)
