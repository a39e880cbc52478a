"""Pages of Markdown, taken apart: code blocks, words in backticks, links and the anchors of headings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCED = re.compile(r"(?P<before>[^\n]*\n+)?^ *```(?P<language>\w*)\n(?P<text>.*?)^ *```$", re.DOTALL | re.MULTILINE)
FRAGMENT = "<!-- fragment -->"
"""The line above a block of code that cannot stand alone: a part of a loop, for instance."""


@dataclass(frozen=True)
class Block:
    """A fenced block of code.

    Args:
        language: the word after the fence.
        text: what stands between the fences.
        line: the first line of it on its page.
        is_fragment: whether the page marks it as code that cannot stand alone.
    """

    language: str
    text: str
    line: int
    is_fragment: bool = False


@dataclass(frozen=True)
class Page:
    """A page of the documentation.

    Args:
        path: where it is.
        text: its Markdown.
    """

    path: Path
    text: str

    @cached_property
    def blocks(self) -> list[Block]:
        """The fenced blocks of code, in order."""
        return [
            Block(
                found["language"],
                _unindented(found["text"]),
                self.text.count("\n", 0, found.start("text")) + 1,
                (found["before"] or "").strip() == FRAGMENT,
            )
            for found in FENCED.finditer(self.text)
        ]

    @cached_property
    def prose(self) -> str:
        """The text without its blocks of code."""
        return FENCED.sub(lambda found: found["before"] or "", self.text)

    @cached_property
    def spans(self) -> list[str]:
        """What stands in backticks outside of blocks; line breaks within are spaces."""
        return [" ".join(text.split()) for _, text in re.findall(r"(`+)(.+?)\1", self.prose, re.DOTALL)]

    @cached_property
    def links(self) -> list[str]:
        """The targets of links and pictures within the repository."""
        targets = re.findall(r"\]\(([^)\s]+)\)", self.prose)
        return [target for target in targets if not re.match(r"https?://|mailto:", target)]

    @cached_property
    def anchors(self) -> set[str]:
        """The anchors of the headings, as GitHub makes them."""
        return {_anchor(heading) for heading in re.findall(r"^#+ +(.+?) *$", self.prose, re.MULTILINE)}


def read(path: Path) -> Page:
    return Page(path, path.read_text())


def all_pages() -> list[Page]:
    return [
        read(path) for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
    ]


def broken_links(page: Page) -> set[str]:
    """The links of a page to files, and to headings of pages, that are not there."""
    return {link for link in page.links if not _leads_somewhere(page, link)}


def _leads_somewhere(page: Page, link: str) -> bool:
    path, _, anchor = link.partition("#")
    if not path:
        return anchor in page.anchors
    target = page.path.parent / path
    return target.is_file() and anchor in read(target).anchors if anchor else target.exists()


def _anchor(heading: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def _unindented(text: str) -> str:
    indent = min((len(line) - len(line.lstrip()) for line in text.splitlines() if line.strip()), default=0)
    return "".join(line[indent:] if line.strip() else line for line in text.splitlines(keepends=True))
