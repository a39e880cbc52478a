"""Names and a line on each: agents, environments, streams, changes and methods."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence

from agents import AGENTS
from agents.methods import METHODS, ContinualBackprop
from agents.recipe import ReinforcementAgent, SupervisedAgent
from envs import ENVS
from envs.changes import CHANGES
from envs.recipe import Environment, SupervisedStream
from launch.console import say


def acting_agents() -> dict[str, type]:
    """Return the agents that act in an environment."""
    return _of_kind(AGENTS, ReinforcementAgent)


def stream_agents() -> dict[str, type]:
    """Return the agents that learn from a stream."""
    return _of_kind(AGENTS, SupervisedAgent)


def environments() -> dict[str, type]:
    """Return the environments."""
    return _of_kind(ENVS, Environment)


def streams() -> dict[str, type]:
    """Return the streams."""
    return _of_kind(ENVS, SupervisedStream)


def methods() -> dict[str, type]:
    """Return the methods that are joined to agents by `+`."""
    return dict(sorted({"cbp": ContinualBackprop, **METHODS}.items()))


def section(title: str, recipes: Mapping[str, type]) -> str:
    """Return a title and the names below it, each with the first line of its docstring."""
    return "\n".join([title, *table({name: first_line(recipe) for name, recipe in recipes.items()})])


def table(rows: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each name, what is said of it in a column of its own."""
    width = max(map(len, rows))
    for left, right in rows.items():
        yield f"  {left:<{width}}  {right}".rstrip()


def first_line(recipe: type) -> str:
    """Return the first line of a recipe's docstring."""
    return (recipe.__doc__ or "").strip().splitlines()[0]


SECTIONS = {
    "agents": lambda: [
        section("agents that act in an environment (agent=)", acting_agents()),
        section("agents that learn from a stream (agent=)", stream_agents()),
    ],
    "environments": lambda: [section("environments (env=)", environments())],
    "streams": lambda: [section("streams of examples (env=)", streams())],
    "changes": lambda: [
        section("what may change in anybody's environment (env.id=… env.change=friction+push)", CHANGES)
    ],
    "methods": lambda: [section("methods, joined to an agent by + (agent=ppo+cbp)", methods())],
}
"""The lists, by the words that ask for them."""


def main(arguments: Sequence[str]) -> int:
    """Print the lists that are asked for, or all of them; return the exit code."""
    asked = parser_of().parse_args(arguments).what or list(SECTIONS)
    say("\n\n".join(text for name in asked for text in SECTIONS[name]()))
    return 0


def parser_of() -> argparse.ArgumentParser:
    """Return the parser of its command line."""
    parser = argparse.ArgumentParser(prog="plastic-rl list", description=__doc__)
    names = f"{', '.join(SECTIONS)} (default: all)"
    parser.add_argument("what", nargs="*", choices=[[], *SECTIONS], metavar="LIST", help=names)
    return parser


def _of_kind(recipes: Mapping[str, type], kind: type) -> dict[str, type]:
    return {name: recipe for name, recipe in recipes.items() if issubclass(recipe, kind)}
