"""The pages of methods that wrap a network: every name and every path that they give exists."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ("hsic_bottleneck", "additive_parameter_decomposition")
ROOMS = ("plastic_rl.nn", "plastic_rl.nn.local", "plastic_rl.nn.additive", "plastic_rl.sb3", "plastic_rl.regimes")
# Names of torch, of Stable-Baselines3 and of the objects in the examples.
FOREIGN = re.compile(r"(torch|nn|trainer|tasks|model|optimizer|VecNormalize)\.|jaehong31/|choasma/")


def given(page: str) -> set[str]:
    """All that a page writes as code and that has a dot or a slash in it."""
    text = (ROOT / "docs" / f"{page}.md").read_text()
    code = re.findall(r"`([A-Za-z_][\w./]*)(?:\([^`]*\))?`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return {each for each in code if re.search(r"[./]", each) and not FOREIGN.match(each)}


def found(name: str) -> bool:
    """Whether a dotted name is that of something in one of the rooms, or of a module of the repository."""
    first, *others = name.split(".")
    for room in ("", *ROOMS):
        try:
            thing: Any = importlib.import_module(f"{room}.{first}".strip("."))
        except ImportError:
            thing = getattr(importlib.import_module(room), first, None) if room else None
        if thing is not None and all((thing := inner(thing, each)) is not None for each in others):
            return True
    return False


def inner(thing: Any, name: str) -> Any:
    """An attribute, a submodule, or the type of a class's attribute; None if there is no such thing."""
    if inspect.ismodule(thing):
        try:
            return importlib.import_module(f"{thing.__name__}.{name}")
        except ImportError:
            return getattr(thing, name, None)
    return getattr(thing, name, None) or getattr(thing, "__annotations__", {}).get(name)


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_exists(page: str):
    names = given(page)
    assert len(names) > 10
    missing = {each for each in names if not ((ROOT / each).exists() if "/" in each else found(each))}
    assert missing == set()


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_links_to_and_runs_exists(page: str):
    text = (ROOT / "docs" / f"{page}.md").read_text()
    links = [each for each in re.findall(r"\]\(([^)#]+)", text) if not each.startswith("http")]
    modules = re.findall(r"python -m ((?:experiments|benchmarks)\.\w+)", text)
    assert links
    assert modules
    assert [each for each in links if not (ROOT / "docs" / each).exists()] == []
    assert [each for each in modules if not (ROOT / f"{each.replace('.', '/')}.py").exists()] == []


def test_a_name_that_does_not_exist_is_noticed():
    assert found("kernels.gaussian_kernel")
    assert found("exact.Entry.weights")
    assert found("AdditiveDecomposition.forget")
    assert not found("exact.Entry.own")
    assert not found("AdditiveDecomposition.remember")
    assert not found("kernel.gaussian_kernel")
