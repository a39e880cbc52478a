"""Agents that are another one with a method around its optimiser, or with another network: one for each pair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agents.methods import AddedSettings
from agents.recipe import Agent


def combined(base_name: str, base: type[Agent], method: type[AddedSettings]) -> type[Agent]:
    """Return an agent with the settings of both, whose optimiser the method wraps, or whose network it changes."""
    own = {"__doc__": f"{base.label} {method.summary}.", "base_name": base_name}
    return dataclass(type(f"{base.__name__}{method.__name__}", (method, base), own))


def all_combined(
    bases: Mapping[str, type[Agent]], methods: Mapping[str, type[AddedSettings]]
) -> dict[str, type[Agent]]:
    """Return every base with every method that goes with it, by their names together."""
    return {
        f"{base_name}_{method_name}": combined(base_name, base, method)
        for base_name, base in bases.items()
        for method_name, method in methods.items()
        if not method.bases or base_name in method.bases
    }
