"""The words of a command as people type them, and as Hydra reads them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any, get_args, get_type_hints

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from agents import agent_named
from agents.together import JOINT
from envs import env_named
from launch.own_words import with_own_world
from launch.protocols import with_protocol
from launch.settings import Settings
from plastic_rl.errors import UserError

MULTIRUN = ("-m", "--multirun")
_SETTING = re.compile(r"([\w./@-]+)=(.*)", re.DOTALL)
_METHODS = "agent.methods="
_EXAMPLE = f"{_METHODS}[cbp,redo]"
_NAME = r"""\s*(?:\w+|'\w+'|"\w+")\s*"""
_WORD = re.compile(rf"({_NAME})")
_LIST = re.compile(rf"\[((?:{_NAME}(?:,{_NAME})*)?\s*)\]")
_EXPONENT = re.compile(r"[+-]?\d[\d_]*(\.\d+)?[eE][+-]?\d+")


def as_hydra_reads(arguments: Sequence[str]) -> list[str]:
    """Return the words of a command in Hydra's own grammar.

    `-m` may stand anywhere; a text may hold what Hydra's grammar has no place for (`out=日本`, `out=a=b`); `~/` is the
    user's folder; 1e6 is a whole number where one is expected; and `agent=ppo agent.methods=[cbp,l2_init]` is
    `agent=ppo+cbp+l2_init`; `env=HalfCheetah-v5 env.change=friction` is `env=own+friction env.id=HalfCheetah-v5`; and
    `protocol=aligned` is all of its settings.

    Args:
        arguments: The words after `train.py`.

    Raises:
        UserError: `agent.methods` is no list, or given twice; or there is no such protocol for these worlds and agents.
    """
    arguments = with_protocol(with_own_world(_with_methods(arguments)))
    words = [_setting(word, arguments) for word in arguments if word not in MULTIRUN]
    return ["--multirun", *words] if len(words) < len(arguments) else words


def _with_methods(arguments: Sequence[str]) -> Sequence[str]:
    """The words with the methods of `agent.methods` in the names of the agents."""
    lists = [word for word in arguments if word.startswith(_METHODS)]
    if not lists:
        return arguments
    if len(lists) > 1:
        raise UserError(f"agent.methods is given {len(lists)} times: name all methods in one list, {_EXAMPLE}")
    joined = "".join(f"{JOINT}{name}" for name in _listed(lists[0].removeprefix(_METHODS)))
    others = [word for word in arguments if not word.startswith(_METHODS)]
    return [
        re.sub(r"(?<=[=,])[^,]+", rf"\g<0>{joined}", word) if word.startswith("agent=") else word for word in others
    ]


def _listed(value: str) -> list[str]:
    """The words of a list such as `[cbp, l2_init]`, with or without quotes; one word needs no brackets."""
    found = _WORD.fullmatch(value) or _LIST.fullmatch(value)
    if found is None:
        raise UserError(
            f"agent.methods={value} cannot be read: expected a list such as {_EXAMPLE}\n"
            f"Runs with one method each: -m agent=ppo{JOINT}cbp,ppo{JOINT}redo"
        )
    return [name.strip(" '\"") for name in found[1].split(",") if name.strip()]


def _setting(word: str, arguments: Sequence[str]) -> str:
    found = _SETTING.fullmatch(word)
    if found is None or word.startswith("-"):
        return word
    name, value = found.groups()
    if value == "~" or value.startswith("~/"):
        value = os.path.expanduser(value)
    if _EXPONENT.search(value) and _is_whole(name, arguments):
        value = ",".join(map(_whole, value.split(",")))
    return f"{name}={value}" if _can_be_read(f"{name}={value}") else f"{name}={_quoted(value)}"


def _whole(text: str) -> str:
    if not _EXPONENT.fullmatch(text):
        return text
    number = Decimal(text.replace("_", ""))
    return str(int(number)) if number == int(number) else text


def _is_whole(name: str, arguments: Sequence[str]) -> bool:
    """True if a setting is a whole number, in whichever of the recipes that the words name have one of its name."""
    group, _, last = name.rpartition(".")
    kinds = list(_kinds(_owners(group, arguments), last))
    return bool(kinds) and all(int in kind for kind in kinds)


def _owners(group: str, arguments: Sequence[str]) -> list[type]:
    if not group:
        return [Settings]
    kind, _, part = group.partition(".")
    named = [name for word in arguments if word.startswith(f"{kind}=") for name in word.split("=", 1)[1].split(",")]
    recipes = [recipe for name in named if (recipe := _recipe(kind, name)) is not None]
    return [
        owner for recipe in recipes for owner in ([get_type_hints(recipe).get(part)] if part else [recipe]) if owner
    ]


def _recipe(kind: str, name: str) -> type | None:
    with suppress(KeyError, UserError):
        return {"agent": agent_named, "env": env_named}[kind](name)
    return None


def _kinds(owners: Sequence[type], name: str) -> Iterator[tuple[Any, ...]]:
    for owner in owners:
        hint = get_type_hints(owner).get(name)
        if hint is not None:
            yield get_args(hint) or (hint,)


def _can_be_read(word: str) -> bool:
    try:
        OverridesParser.create().parse_override(word)
    except HydraException:
        return False
    return True


def _quoted(value: str) -> str:
    # A backslash counts as such except before a quote, where it stands for the quote.
    escaped = re.sub(r"(\\*)'", lambda found: found[1] * 2 + r"\'", value)
    trailing = len(escaped) - len(escaped.rstrip("\\"))
    return f"'{escaped}{chr(92) * trailing}'"
