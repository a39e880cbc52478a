"""Every method has its page, with all that a page of a method has, and a row in the table of them with its costs."""

from __future__ import annotations

import re
from inspect import isabstract
from pathlib import Path

import pytest

import plastic_rl.optim
from agents.methods import METHODS, MethodSettings
from benchmarks.method_pages import measured, with_costs
from tests.docs.pages import ROOT, Page, all_pages

FOLDER = ROOT / "docs" / "methods"
PAGES = {page.path.name: page for page in all_pages() if page.path.parent == FOLDER and page.path.name != "README.md"}
TABLE = (FOLDER / "README.md").read_text()
PARTS = {
    "a source": r"arXiv|doi\.org",
    "a map of equations": r"^\|---\|---\|",
    "defaults": r"\*\*Defaults?\.\*\*",
    "differences": r"[Dd]ifferences|\*\*Choices\.\*\*|\*\*How it ",
    "its cost": r"\*\*Cost\.\*\*",
    "when not to use it": r"\*\*Not for\*\*",
    "how it stacks": r"\*\*With continual backprop",
}


def row_of(word: str) -> list[str]:
    """The cells of a method's row in the table of methods."""
    (row,) = re.findall(rf"^\| `{word}` \| (.*) \|$", TABLE, re.MULTILINE) or ["none"]
    return row.split(" | ")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_every_part(name: str, part: str):
    assert re.search(PARTS[part], PAGES[name].text, re.MULTILINE), f"docs/methods/{name} lacks {part}"


@pytest.mark.parametrize("word", METHODS)
def test_every_method_has_a_row_that_leads_to_its_page(word: str):
    summary, link, *costs, where = row_of(word)
    assert len(costs) == 4
    assert where
    assert summary == METHODS[word].summary
    assert name_of(word) in names_on(PAGES[link.partition("](")[2].rstrip(")")])


def name_of(word: str) -> str:
    """What a method's page is about: a class of the library, or an agent."""
    kind = METHODS[word]
    return kind.method if issubclass(kind, MethodSettings) else f"ppo_{word}"


def names_on(page: Page) -> set[str]:
    """The words that a page gives as code."""
    return {name for code in (*page.spans, *(block.text for block in page.blocks)) for name in re.findall(r"\w+", code)}


@pytest.mark.parametrize("word", METHODS)
def test_every_method_has_a_line_with_its_cost(word: str):
    assert sum(f"Measured for `{word}`:" in page.text for page in PAGES.values()) == 1


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.md")), ids=lambda path: path.name)
def test_costs_are_those_that_were_measured(path: Path):
    """After a new measurement `python -m benchmarks.method_pages` writes them down."""
    assert with_costs(path.read_text(), measured()) == path.read_text()


def test_costs_that_are_out_of_date_are_noticed():
    text = "Measured for `trac`: nothing.\n| `trac` | does | [trac](trac.md) | 1 | 2 | 3 | 4 | now |"
    assert with_costs(text, {}) == (
        "Measured for `trac`: not measured yet.\n| `trac` | does | [trac](trac.md) |"
        " not measured yet | not measured yet | not measured yet | not measured yet | now |"
    )


@pytest.mark.parametrize("word", METHODS)
def test_what_costs_more_than_a_tenth_of_ppos_update_has_its_reason_in_words(word: str):
    cost, reasons = measured().get(word), (ROOT / "docs" / "overhead.md").read_text()
    if cost is not None and float(cost["ppo_update"]) > 1.10:
        assert re.search(rf"^- `{word}`[^\n]*: ", reasons, re.MULTILINE), f"docs/overhead.md has no reason for {word}"


def test_every_optimiser_method_of_the_library_is_on_a_page():
    words = set().union(*(names_on(page) for page in all_pages()))
    methods = {name for name, kind in vars(plastic_rl.optim).items() if is_method(kind)}
    assert methods - words == set()


def is_method(kind: object) -> bool:
    base = plastic_rl.optim.PlasticOptimizer
    return isinstance(kind, type) and issubclass(kind, base) and kind is not base and not isabstract(kind)
