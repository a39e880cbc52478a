"""The page of the command line names every argument as the parsers take it."""

import importlib.util
from pathlib import Path

import pytest

from launch.commands import COMMANDS

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def tables():
    spec = importlib.util.spec_from_file_location("arguments", DOCS / "arguments.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_in_step_with_the_parsers(tables):
    """After a change of a command `python docs/arguments.py` writes its arguments down again."""
    page = (DOCS / "command_line.md").read_text()
    assert tables.with_arguments(page) == page


def test_every_command_has_its_arguments_there(tables):
    assert {"train", *tables.PARSERS} == set(COMMANDS)


def test_no_argument_goes_without_a_word(tables):
    rows = [row for parser in tables.PARSERS.values() for row in map(tables.row, tables.arguments(parser()))]
    assert len(rows) > 30
    assert [typed for typed, meaning in rows if not meaning] == []


def test_an_argument_that_is_gone_leaves_the_page(tables):
    page = f"# A page\n\n{tables.BEGIN}\n| `--gone` | by now |\n{tables.END}\nThe end.\n"
    written = tables.with_arguments(page)
    assert written.startswith("# A page\n")
    assert written.endswith("\nThe end.\n")
    assert "--gone" not in written
    assert "| `--learning-rate X` | of Adam (default: 0.001) |" in written
