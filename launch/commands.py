"""The words after `plastic-rl`: what each of them does, and with what it needs imported only then."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from launch.console import say
from launch.program import program
from plastic_rl.errors import UserError
from plastic_rl.extras import missing

Run = Callable[[list[str]], int]


@dataclass(frozen=True)
class Command:
    """A word after `plastic-rl`.

    Args:
        summary: of what it does, in one line.
        usage: what may follow.
        run: does it with the words that follow, and returns the exit code.
    """

    summary: str
    usage: str
    run: Run


def main(arguments: Sequence[str]) -> int:
    """Do what a command asks for.

    Args:
        arguments: The words after `plastic-rl`.

    Returns:
        The exit code.
    """
    first, *rest = [*arguments, ""]
    if first in ("", "-h", "--help"):
        say(help_text())
        return 0
    if first == "--version":
        first, rest = "train", list(arguments)
    if first == "complete":  # for shells
        return _complete([word for word in rest if word])
    if first not in COMMANDS:
        print(_unknown(first), file=sys.stderr)
        return 2
    try:
        return COMMANDS[first].run([word for word in rest if word])
    except UserError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except ModuleNotFoundError as error:
        print(missing(error.name or "a package", f"plastic-rl {first}"), file=sys.stderr)
        return 2


def help_text() -> str:
    """Return what `plastic-rl --help` says."""
    width = max(len(f"{name} {each.usage}") for name, each in COMMANDS.items())
    rows = [f"  plastic-rl {f'{name} {each.usage}':<{width}}  {each.summary}" for name, each in COMMANDS.items()]
    return "\n".join(["Agents that learn in worlds that change.", "", *rows, "", "Each has a --help of its own."])


def train(arguments: Sequence[str]) -> int:
    """Train as `setting=value` words ask; `train.py` and `plastic-rl train` alike.

    Args:
        arguments: The words.

    Returns:
        The exit code.
    """
    try:
        from launch.command_line import main as obey
    except ModuleNotFoundError as error:
        raise UserError(missing(error.name or "a package", program().removeprefix("python "))) from error
    return obey(arguments)


def _compare(arguments: list[str]) -> int:
    from plastic_rl.compare.command import main as compare

    return compare(arguments, program="plastic-rl compare")


def _doctor(arguments: list[str]) -> int:
    from plastic_rl.doctor.__main__ import main as examine

    return examine(arguments, program="plastic-rl doctor")


def _probe(arguments: list[str]) -> int:
    from plastic_rl.probe.__main__ import main as probe

    return probe(arguments, program="plastic-rl probe")


def _watch(arguments: list[str]) -> int:
    from launch.watching import main as watch

    return watch(arguments)


def _list(arguments: list[str]) -> int:
    from launch.listing import main as names

    return names(arguments)


def _completion(arguments: list[str]) -> int:
    from launch.completion import main as completion

    return completion(arguments)


def _complete(arguments: list[str]) -> int:
    from launch.completion import complete

    return complete(arguments, COMMANDS)


COMMANDS: Mapping[str, Command] = {
    "train": Command("train an agent, or go on where that was interrupted", "agent=… env=… [setting=value …]", train),
    "compare": Command("a table with intervals and a picture of all runs there", "FOLDER …", _compare),
    "doctor": Command("what became of a saved network, beside a fresh one", "model.zip", _doctor),
    "probe": Command("can a saved network still learn?", "model.zip", _probe),
    "watch": Command("film what a run learned, before a change and after it", "RUN", _watch),
    "list": Command("all names, with a line on each", "[agents|environments|streams|changes|methods]", _list),
    "completion": Command("what a shell is told to complete names and keys", "bash|zsh", _completion),
}
"""The words, in the order in which `--help` has them."""


def _unknown(word: str) -> str:
    hint = f"\nDid you mean: plastic-rl train {word} …" if "=" in word else ""
    return f"plastic-rl has no command {word}: expected one of {', '.join(COMMANDS)}{hint}"
