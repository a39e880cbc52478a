"""Messages about the settings of methods: under the method's word, or beside those of the agent."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import fields
from typing import Any, TypeGuard

from agents import AGENTS, agent_named
from agents.methods import AddedSettings
from agents.recipe import Agent
from agents.together import JOINT, Together, methods_for, parts_of
from envs.changes import ChangeSettings
from plastic_rl.errors import UserError


def meant_of_a_method(owner: type[Any], typed: str) -> str | None:
    """Return what was meant by a setting that an agent has not, where it is one of a method.

    Args:
        owner: The agent.
        typed: The setting with the keys that lead to it: `agent.cbp.replacement_rate`.
    """
    _, name, *rest = [*typed.split("."), ""]
    if not issubclass(owner, Agent):
        return None
    for word, method in parts_of(owner).items():
        if name in _names(method):
            return f"agent.{word}.{name}"
    method = methods_for(owner).get(name)
    if method is None:
        return None
    return _beside(rest[0], method) if issubclass(owner, method) else _with(owner, name)


def is_group(kind: object) -> TypeGuard[type[AddedSettings | ChangeSettings]]:
    """True if a setting of this type is the settings of a method, or of a change."""
    return isinstance(kind, type) and issubclass(kind, AddedSettings | ChangeSettings)


def no_value(key: str, group: type[AddedSettings | ChangeSettings], given: str) -> str:
    """Return what to say where a method, or a change, is given a value."""
    names, kind = _names(group), "method" if issubclass(group, AddedSettings) else "change"
    if not names:
        return f"{key} is a {kind} without settings{given}: leave it out, as its word is in agent= already"
    settings = ", ".join(f"{key}.{name}" for name in names)
    return f"{key} is a {kind}, and has no value{given}\nIts settings: {settings}"


def _beside(name: str, method: type[AddedSettings]) -> str | None:
    """The setting of a method whose settings are among those of the agent."""
    return f"agent.{name}" if name in _names(method) else None


def _with(owner: type[Agent], word: str) -> str | None:
    """The agent that has a method too; None where it cannot."""
    with suppress(UserError, StopIteration):
        name = owner.__name__ if issubclass(owner, Together) else _flat_name(owner)
        agent_named(f"{name}{JOINT}{word}")
        return f"agent={name}{JOINT}{word}"
    return None


def _flat_name(owner: type[Agent]) -> str:
    return next(name for name, agent in AGENTS.items() if agent is owner)


def _names(group: type[AddedSettings | ChangeSettings]) -> Iterable[str]:
    return [setting.name for setting in fields(group)]
