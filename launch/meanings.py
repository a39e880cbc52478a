"""The line on a setting that its recipe has beside it: what it is, its unit, and where its value is from."""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path

from agents.methods import AddedSettings
from agents.recipe import Agent
from envs.recipe import Problem
from launch.glossary import OF_AGENTS, OF_ENVS, OF_THE_TOOLKIT

_PAPERS = (
    re.compile(r"[A-Z][\w'-]+ et al\.[^;:]{0,25}?\d{4}\b"),
    re.compile(r"[A-Z][\w'-]+ (?:&|and) [A-Z][\w'-]+[^;:]{0,25}?\d{4}\b"),
    re.compile(r"[A-Z][a-z][\w'-]*,? \(?\d{4}\b"),
)
_NAMES = ("Newton", "Gaussian", "Kumar", "Ma", "Python")
_SAID = re.compile(
    r"\bours\b|\b\d{4}\b|default|authors|paper|published|rl-zoo|Table|its own|Stable-Baselines3's|sb3-contrib's",
    re.IGNORECASE,
)


def meanings(recipe: type) -> dict[str, str]:
    """Return the line on each setting of a recipe, by its name; empty lines where nothing is said.

    Args:
        recipe: A dataclass, whose settings have comments beside or above them.
    """
    return {setting.name: meaning(recipe, setting.name) for setting in fields(recipe)}


def meaning(recipe: type, name: str) -> str:
    """Return the line on one setting: what it is by the glossary, and what its recipe says of it."""
    glossary = OF_AGENTS if issubclass(recipe, Agent) else OF_ENVS if issubclass(recipe, Problem) else {}
    known = [glossary[key] for kind in recipe.__mro__ if (key := f"{kind.__name__}.{name}") in glossary]
    parts = [known[0] if known else glossary.get(name, ""), _comment(recipe, name)]
    return "; ".join(_uncapitalised(part.rstrip(".")) for part in parts if part)


def source(recipe: type, name: str) -> str:
    """Return the paper that a recipe follows in a setting; "ours" where there is none, "" where its line says it."""
    declaring = next(kind for kind in recipe.__mro__ if name in vars(kind).get("__annotations__", {}))
    if _SAID.search(_comment(recipe, name)):
        return ""
    if name in OF_THE_TOOLKIT or declaring.__module__ == "envs.recipe":
        return "ours"
    # What one class says for all that are made of it, in a file of its own: not what a method says of an agent.
    alone = [kind for kind in recipe.__mro__ if issubclass(kind, declaring) and not issubclass(kind, AddedSettings)]
    kinds = [declaring, *alone]
    texts = [text for kind in kinds for text in (kind.__doc__, sys.modules[kind.__module__].__doc__)]
    return next((paper for text in texts if (paper := _paper(text or ""))), "ours")


def _paper(text: str) -> str:
    """The first paper that the first paragraph of a docstring names."""
    paragraph = " ".join(text.partition("\n\n")[0].split())
    found = next((match for pattern in _PAPERS if (match := pattern.search(paragraph))), None)
    return " ".join(re.sub(r"[()]", " ", found[0]).split()) if found else ""


def _uncapitalised(text: str) -> str:
    word = text.partition(" ")[0].rstrip(":,;")
    is_common = word == "A" or (word.isalpha() and word[1:].islower() and word not in _NAMES)
    return text[0].lower() + text[1:] if is_common else text


def _comment(recipe: type, name: str) -> str:
    """The comment of the class that declares a setting last; one that gives another value alone leaves it as it is."""
    said = [lines[name] for kind in recipe.__mro__ if name in (lines := _lines(kind))]
    return next((line for line in said if line), "")


def _lines(kind: type) -> Mapping[str, str]:
    module = sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None)
    return _of_file(file).get(kind.__qualname__, {}) if file and "__annotations__" in vars(kind) else {}


@cache
def _of_file(file: str) -> dict[str, dict[str, str]]:
    """The comments on the annotated names of each class of a module."""
    source = Path(file).read_text()
    comments = _comments(source)
    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            found[node.name] = {
                each.target.id: _beside(each, comments)
                for each in node.body
                if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
            }
    return found


def _beside(node: ast.AnnAssign, comments: Mapping[int, tuple[int, str]]) -> str:
    """The comment at the end of a statement's lines, or on the lines above it."""
    end = node.end_lineno or node.lineno
    beside = [comments[line][1] for line in range(node.lineno, end + 1) if line in comments]
    above: list[str] = []
    line = node.lineno - 1
    while line in comments and comments[line][0] == node.col_offset:
        above.insert(0, comments[line][1])
        line -= 1
    return " ".join([*above, *beside])


def _comments(source: str) -> dict[int, tuple[int, str]]:
    """The comments of a file by their lines, each with its column."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]: (token.start[1], token.string.lstrip("# "))
        for token in tokens
        if token.type == tokenize.COMMENT and not token.string.startswith(("# noqa", "# pyright"))
    }
