"""Commands and settings as a page gives them, checked as the command line checks them, and not run."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from importlib.util import find_spec
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import gymnasium
from hydra import compose, initialize
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from agents import AGENTS, agent_named
from agents.together import JOINT
from envs import ENVS
from envs.changes import CHANGES
from envs.own import OWN, Own
from launch.request import check_request, overrides, wants_help
from launch.settings import CONFIG_NAME, Settings, from_hydra, register
from launch.sweeps.words import taken_from
from launch.validation import check
from launch.words import as_hydra_reads
from plastic_rl.errors import UserError
from plastic_rl.settings import OneOf
from tests.docs.pages import ROOT, Page

SHELL = ("bash", "sh", "console")
RECIPES: dict[str, dict[str, type[Any]]] = {"agent": {**AGENTS}, "env": {**ENVS, OWN: Own}}
OPEN = re.compile(r"=[A-Z]+$|[<…]|=my\.|^start_from=")
"""A word that leaves something open, such as `agent=NAME`, or that names what a reader has."""


def shell_lines(page: Page) -> Iterator[str]:
    """Yields what a page gives to type: the lines of its shell blocks, and what stands in backticks."""
    for block in page.blocks:
        if block.language in SHELL:
            yield from block.text.replace("\\\n", " ").splitlines()
    yield from page.spans


def unknown_modules(page: Page) -> set[str]:
    """The modules and files that a page runs by `python`, and that are not there."""
    text = "\n".join(shell_lines(page))
    modules = {name for name in re.findall(r"python -m ([\w.]+)", text) if not _is_module(name)}
    return modules | {file for file in re.findall(r"python ([\w./]+\.py)", text) if not (ROOT / file).is_file()}


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def unknown_targets(page: Page) -> set[str]:
    """The targets of `make` and the extras of `pip install` that a page names, and that are not there."""
    text = "\n".join(shell_lines(page))
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = {extra for group in re.findall(r"['\"]\.\[([\w,]+)\]", text) for extra in group.split(",")}
    return set(re.findall(r"\bmake ([\w-]+)", text)) - targets | asked - set(extras)


def unknown_settings(page: Page) -> set[str]:
    """The words after `agent=` and `env=`, and the settings `agent.…=` and `env.…=`, that nobody knows."""
    return {setting for line in shell_lines(page) for setting in _unknown_in(line)}


def _unknown_in(line: str) -> Iterator[str]:
    line = re.sub(r"\benv\.change=([\w+,]+)", lambda found: "" if _are_changes(found[1]) else found[0], line)
    for group, recipes in RECIPES.items():
        for names in re.findall(rf"\b{group}=([\w,+-]+)", line):
            unknown = (name for name in names.split(",") if not (_is_known(name, recipes) or name.isupper()))
            yield from (f"{group}={name}" for name in unknown)
        bare = re.sub(r"\w+\.\w+=\S*", "", line)
        named = [recipes[word] for word in re.findall(r"[\w-]+", bare) if word in recipes]
        for key, value in re.findall(rf"\b{group}\.(\w+)=([\w.-]*)", line):
            if not any(_takes(recipe, key, value) for recipe in named or recipes.values()):
                yield f"{group}.{key}={value}"


def _is_known(name: str, recipes: Mapping[str, type[Any]]) -> bool:
    if JOINT not in name:
        return name in recipes or (recipes is RECIPES["env"] and (name in gymnasium.registry or name == "my"))
    try:
        return bool(agent_named(name))
    except (KeyError, UserError):
        return False


def _are_changes(names: str) -> bool:
    return all(name in CHANGES for name in re.split(r"[+,]", names))


def _takes(recipe: type[Any], key: str, value: str) -> bool:
    if key not in {setting.name for setting in fields(recipe)}:
        return False
    hint = get_type_hints(recipe, include_extras=True)[key]
    words = get_args(hint)[1] if get_origin(hint) is Annotated else None
    return not isinstance(words, OneOf) or value in words or not value


def train_commands(page: Page) -> Iterator[tuple[str, ...]]:
    """Yields the words after each `python train.py`, and `plastic-rl train`, where they leave nothing open."""
    for line in shell_lines(page):
        if found := re.search(r"\b(?:python train\.py|plastic-rl train) (.*)", line):
            words = shlex.split(found[1], comments=True)
            if not any(OPEN.search(word) for word in words):
                yield tuple(words)


def refusal(words: Sequence[str], *, whole_sweep: bool) -> str | None:
    """The reason for which a command would not run; None where it would.

    Args:
        words: those after `train.py`.
        whole_sweep: try every value that is swept over, seeds aside; else the first of each.
    """
    try:
        _, given = taken_from(as_hydra_reads(words))
        if not wants_help(given):
            check_request(given)
            for single in _single_runs(given) if whole_sweep else [next(_single_runs(given))]:
                check(_composed(single))
    except (UserError, HydraException) as error:
        return f"{' '.join(words)}: {error}"
    return None


def _composed(words: Sequence[str]) -> Settings:
    register()
    with initialize(version_base="1.3", config_path=None):
        return from_hydra(compose(CONFIG_NAME, list(words)))


def _single_runs(words: Sequence[str]) -> Iterator[list[str]]:
    """Yields runs of a sweep, so many that each value occurs in one of them; seeds do not count."""
    given = {override.get_key_element(): _values(override) for override in overrides(words)}
    for turn in range(max(len(values) for name, values in given.items() if name != "seed")):
        yield [f"{name}={values[min(turn, len(values) - 1)]}" for name, values in given.items()]


def _values(override: Override) -> list[str]:
    if override.is_sweep_override():
        return list(override.sweep_string_iterator())
    return [override.get_value_element_as_str()]
