"""Docstrings of the library: what they refer to, and the examples that stand in them."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from doctest import DocTestParser
from functools import cache
from pathlib import Path

from tests.docs.names import PACKAGES, classes, exists, module_name, modules
from tests.docs.pages import ROOT, Page

Documented = ast.Module | ast.ClassDef | ast.FunctionDef
REFERENCE = re.compile(r":(?:class|func|mod|meth|attr|data|exc):`(?:[^`<]*<)?~?([^`>]+)>?`")
INDENTED = re.compile(r"::\n\n((?:    .*\n|\n)+)")


@dataclass(frozen=True)
class Docstring:
    """A docstring, with where it stands.

    Args:
        module: the full name of the module.
        owner: the class, the function or the method below it, with dots; empty for the module itself.
        text: the docstring, not indented.
    """

    module: str
    owner: str
    text: str

    @property
    def name(self) -> str:
        """The full name of what it documents."""
        return f"{self.module}.{self.owner}".rstrip(".")

    @property
    def example(self) -> str:
        """Its lines of code, of all examples together."""
        after_prompts = [example.source for example in DocTestParser().get_examples(self.text)]
        return "".join([*map(textwrap.dedent, INDENTED.findall(f"{self.text}\n")), *after_prompts])


@cache
def all_docstrings() -> list[Docstring]:
    """Every docstring of the library, of the recipes and of the launcher."""
    paths = [path.relative_to(ROOT) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return [docstring for path in paths for docstring in _docstrings_of(path)]


def _docstrings_of(path: Path) -> Iterator[Docstring]:
    for owner, node in _documented(ast.parse((ROOT / path).read_text()), ""):
        if text := ast.get_docstring(node):
            yield Docstring(module_name(path), owner, text)


def _documented(node: Documented, owner: str) -> Iterator[tuple[str, Documented]]:
    yield owner, node
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef):
            yield from _documented(child, f"{owner}.{child.name}".lstrip("."))


def broken_references(docstring: Docstring) -> set[str]:
    """What a docstring gives as `:class:`, `:meth:` and the like, and is not there."""
    return {target for target in REFERENCE.findall(docstring.text) if not _is_found(target, docstring)}


def _is_found(target: str, docstring: Docstring) -> bool:
    near = [f"{docstring.module}.{target}"]
    if docstring.owner:
        near.append(f"{docstring.module}.{docstring.owner.partition('.')[0]}.{target}")
    return target in modules() or any(exists(name) for name in near) or ("." in target and exists(target))


def unknown_names(docstring: Docstring) -> set[str]:
    """The dotted names that a docstring gives of the library's own modules and classes, and nobody knows."""
    spans = Page(Path(), REFERENCE.sub("", INDENTED.sub("", f"{docstring.text}\n"))).spans
    dotted = {name for span in spans for name in re.findall(r"(?<![\w.])[A-Za-z_]\w*(?:\.\w+)+", span)}
    return {name for name in dotted if _is_ours(name) and not exists(name)}


def _is_ours(name: str) -> bool:
    first = name.partition(".")[0]
    return first == "plastic_rl" or first in classes()
