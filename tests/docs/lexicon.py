"""All words that the code of the repository knows: what it defines, calls, reads and writes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import sb3_contrib
import stable_baselines3

from agents import AGENTS
from envs import ENVS
from tests.docs.pages import ROOT

FOLDERS = ("plastic_rl", "agents", "envs", "launch", "experiments", "benchmarks")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def words() -> frozenset[str]:
    """Names of modules, classes, functions, arguments and attributes, and every text that is no docstring."""
    return frozenset({*AGENTS, *ENVS, *_words_in(ROOT / folder for folder in FOLDERS)})


@cache
def foreign_words() -> frozenset[str]:
    """The same of Stable-Baselines3 and sb3-contrib."""
    return frozenset(_words_in(Path(package.__file__).parent for package in (stable_baselines3, sb3_contrib)))


def _words_in(folders: Iterable[Path]) -> set[str]:
    files = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    names = {name for path in files for name in (path.stem, path.parent.name)}
    return names.union(*(_words_of(ast.parse(path.read_text())) for path in files))


def _words_of(tree: ast.AST) -> set[str]:
    docstrings = {id(node.body[0]) for node in ast.walk(tree) if isinstance(node, DOCUMENTED) and node.body}
    return {word for node in _walk(tree, docstrings) for word in _of(node)}


def _walk(node: ast.AST, without: set[int]) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not (id(child) in without and isinstance(child, ast.Expr)):
            yield from _walk(child, without)


def _of(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=word) | ast.ClassDef(name=word) | ast.alias(name=word) | ast.Attribute(attr=word):
            yield word
        case ast.arg(arg=word) | ast.keyword(arg=str(word)) | ast.AnnAssign(target=ast.Name(id=word)):
            yield word
        case ast.Constant(value=str(text)):
            yield text
        case _:
            pass
