"""Completion in a shell: the names and keys that may stand where the cursor is."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from agents import AGENTS, agent_named
from agents.together import JOINT, methods_for, takes_methods
from envs import ENVS, env_named
from envs.changes import CHANGES
from launch.choices import agents_for, envs_for
from launch.console import say
from launch.listing import SECTIONS
from launch.own_words import with_own_world
from launch.protocols import PROTOCOLS
from launch.settings import Settings
from plastic_rl.errors import UserError

BASH = """\
_plastic_rl() {
    local IFS=$'\\n'
    COMPREPLY=($(plastic-rl complete "${COMP_LINE:0:$COMP_POINT}" 2>/dev/null))
    if [[ ${#COMPREPLY[@]} -gt 0 && ${COMPREPLY[0]} == *[=.] ]]; then compopt -o nospace; fi
}
complete -o default -F _plastic_rl plastic-rl"""

ZSH = """\
_plastic_rl() {
    local -a found
    found=("${(@f)$(plastic-rl complete --whole "$LBUFFER" 2>/dev/null)}")
    found=(${found:#})
    if (( $#found == 0 )); then _files; return; fi
    compadd -Q -S '' -- ${(M)found:#*[=.]}
    compadd -Q -- ${found:#*[=.]}
}
compdef _plastic_rl plastic-rl"""

SHELLS: Mapping[str, tuple[str, str]] = {
    "bash": (BASH, 'eval "$(plastic-rl completion bash)" in ~/.bashrc'),
    "zsh": (ZSH, 'eval "$(plastic-rl completion zsh)" in ~/.zshrc, after compinit'),
}
"""The text that each shell is to be told, and the place where one puts it."""

BREAKS = "=:"
"""Characters at which bash takes a new word to begin, so that it is given what follows the last of them."""


def main(arguments: Sequence[str]) -> int:
    """Print what a shell is to be told; return the exit code."""
    say(SHELLS[parser_of().parse_args(arguments).shell][0])
    return 0


def parser_of() -> argparse.ArgumentParser:
    """Return the parser of its command line."""
    parser = argparse.ArgumentParser(prog="plastic-rl completion", description=__doc__)
    where = "; ".join(place for _, place in SHELLS.values())
    parser.add_argument("shell", choices=list(SHELLS), help=f"put it where the shell starts: {where}")
    return parser


def complete(arguments: Sequence[str], commands: Iterable[str]) -> int:
    """Print the words that may follow a line, one a line: for shells, which call it; return the exit code.

    Args:
        arguments: The line, behind `--whole` where the shell is to be given whole words.
        commands: The words that may follow `plastic-rl`.
    """
    *flags, line = arguments
    words = line.split()[1:]
    current = "" if not words or line[-1:].isspace() else words.pop()
    found = candidates(words, current, commands)
    say("\n".join(found if "--whole" in flags else (_from_the_last_break(current, word) for word in found)))
    return 0


def candidates(words: Sequence[str], current: str, commands: Iterable[str] = ()) -> list[str]:
    """Return the words that the current one may become.

    Args:
        words: Those before it, after `plastic-rl`.
        current: As far as it is typed.
        commands: The first words that there are.
    """
    options: Iterable[str] = ()
    if not words:
        options = commands
    elif words[0] == "train":
        options = _of_a_run(words[1:], current)
    elif words[0] == "list":
        options = SECTIONS
    elif words[0] == "completion":
        options = SHELLS
    return [option for option in options if option.startswith(current) and option != current]


def _of_a_run(words: Sequence[str], current: str) -> Iterator[str]:
    """The words of a run; of a list, such as `agent=ppo,ppo_c`, or `agent=ppo+c`, those with another end."""
    name, equals, value = current.partition("=")
    if not equals:
        yield from ("--help", "-m") if current.startswith("-") else _names(words)
        return
    first = value[: max(value.rfind(each) for each in ",+") + 1]
    for option in _values(words, name, first):
        yield f"{name}={first}{option}"


def _names(words: Sequence[str]) -> Iterator[str]:
    """The settings that a run may have, those given left out."""
    given = {word.partition("=")[0] for word in words}
    names = [setting.name for setting in fields(Settings)]
    names += ["protocol", "env.id", "env.change", *_keys("agent", words), *_keys("env", words)]
    yield from (f"{name}=" for name in dict.fromkeys(names) if name not in given)


def _keys(group: str, words: Sequence[str]) -> Iterator[str]:
    recipe = _chosen(group, words)
    if recipe is not None:
        yield from (name for name, _ in _settings(recipe, group))


def _settings(recipe: type, path: str) -> Iterator[tuple[str, Any]]:
    """The settings of a recipe by their names, with what they may be; those of its methods and changes among them."""
    for name, hint in get_type_hints(recipe, include_extras=True).items():
        if name not in {setting.name for setting in fields(recipe)}:
            continue
        if isinstance(hint, type) and is_dataclass(hint):
            yield from _settings(hint, f"{path}.{name}")
        else:
            yield f"{path}.{name}", hint


def _values(words: Sequence[str], name: str, first: str) -> Iterator[str]:
    if name == "agent":
        yield from _methods(first.rpartition(",")[2]) if first.endswith(JOINT) else agents_for(_given("env", words))
    elif name == "env":
        yield from envs_for(_given("agent", words))
    elif name == "env.id":
        yield from _ids()
    elif name == "env.change":
        yield from CHANGES
    elif name == "protocol":
        yield from PROTOCOLS
    else:
        group = name.partition(".")[0]
        recipe = Settings if "." not in name else _chosen(group, words)
        known = {} if recipe is None else dict(_settings(recipe, group if "." in name else ""))
        yield from _options(known.get(name if "." in name else f".{name}"))


def _options(hint: Any) -> Iterator[str]:
    """The values of a setting that can be listed."""
    if get_origin(hint) is Annotated:
        yield from map(str, getattr(get_args(hint)[1], "options", ()))
    elif hint is bool:
        yield from ("true", "false")
    elif isinstance(hint, type) and issubclass(hint, Enum):
        yield from (str(member.value) for member in hint)


def _methods(before: str) -> Iterator[str]:
    """The methods that may be joined to `ppo+cbp+`."""
    base, *taken = before.rstrip(JOINT).split(JOINT)
    if base in AGENTS and takes_methods(AGENTS[base]):
        yield from (word for word in sorted(methods_for(AGENTS[base])) if word not in taken)


def _ids() -> Iterator[str]:
    import gymnasium

    yield from gymnasium.registry


def _chosen(group: str, words: Sequence[str]) -> type | None:
    """The recipe that the words name; None where they name none, or several."""
    with suppress(UserError, KeyError):
        names = _given(group, with_own_world(words))
        return {"agent": agent_named, "env": env_named}[group](names[0]) if len(names) == 1 else None
    return None


def _given(group: str, words: Sequence[str]) -> list[str]:
    known = AGENTS if group == "agent" else ENVS
    named = [name for word in words if word.startswith(f"{group}=") for name in word.partition("=")[2].split(",")]
    return [name for name in named if name in known or JOINT in name or name == "own"]


def _from_the_last_break(current: str, word: str) -> str:
    return word[max(current.rfind(each) for each in BREAKS) + 1 :]
