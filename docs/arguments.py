"""The arguments of every command: `python docs/arguments.py` writes them into command_line.md, as parsers have them."""

from __future__ import annotations

from argparse import Action, ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from launch import completion, listing, watching
from launch.commands import COMMANDS
from launch.help import rows_of_a_launcher, rows_of_a_run
from launch.listing import first_line
from launch.sweeps.words import LAUNCHERS
from plastic_rl.compare import command as comparing
from plastic_rl.doctor import __main__ as doctor
from plastic_rl.probe import __main__ as probe

PAGE = Path(__file__).resolve().parent / "command_line.md"
BEGIN, END = "<!-- arguments -->\n", "<!-- end of the arguments -->\n"
PARSERS: Mapping[str, Callable[[], ArgumentParser]] = {
    "compare": comparing.parser_of,
    "doctor": doctor.parser_of,
    "probe": probe.parser_of,
    "watch": watching.parser_of,
    "list": listing.parser_of,
    "completion": completion.parser_of,
}
"""The commands whose words are read by argparse; `train` reads settings."""


def with_arguments(page: str) -> str:
    """Return a page with the arguments as the parsers have them now."""
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    return f"{before}{BEGIN}\n{''.join(sections())}{END}{after}"


def sections() -> Iterator[str]:
    """Yield a section for each command."""
    for name, command in COMMANDS.items():
        yield f"### plastic-rl {name}\n\n{sentence(command.summary)}\n\n"
        yield from of_settings() if name == "train" else [table("argument", dict(map(row, arguments(PARSERS[name]()))))]


def sentence(summary: str) -> str:
    """Return a summary with a capital and a full stop, unless it ends in a question mark."""
    return f"{summary[0].upper()}{summary[1:]}{'' if summary.endswith('?') else '.'}"


def of_settings() -> Iterator[str]:
    """Yield the tables of what `plastic-rl train` takes: settings of the run, and of who trains several."""
    yield table("setting", {typed.replace("(of the env)", ""): said for typed, said in rows_of_a_run().items()})
    for name, launcher in LAUNCHERS.items():
        yield f"With `-m launcher={name}`: {first_line(launcher)}\n\n"
        yield table("setting", rows_of_a_launcher(launcher))


def arguments(parser: ArgumentParser) -> list[Action]:
    """Return what a parser takes, `--help` aside."""
    return [action for action in parser._actions if action.dest != "help"]


def row(action: Action) -> tuple[str, str]:
    """Return an argument as it is typed, and what it is."""
    formatter = ArgumentParser()._get_formatter()
    typed = formatter._format_args(action, formatter._get_default_metavar_for_positional(action))
    return " ".join([*action.option_strings, typed]).strip(), formatter._expand_help(action)


def table(first: str, rows: Mapping[str, str]) -> str:
    """Return a table with a row for each argument."""
    lines = [f"| {first} | what |", "|---|---|"]
    lines += [f"| `{typed}` | {cell(said)} |" for typed, said in rows.items()]
    return "\n".join(lines) + "\n\n"


def cell(text: str) -> str:
    """Return a text as it may stand in a cell."""
    return text.replace("|", r"\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(with_arguments(PAGE.read_text()))
