"""Dotted names as a page gives them, looked up: `Class.name`, `module.function`, `plastic_rl.sb3.plastic`."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import gymnasium
import stable_baselines3
import torch
from stable_baselines3.common import buffers, callbacks, monitor, on_policy_algorithm, vec_env
from torch import nn

from plastic_rl.doctor import Examination
from plastic_rl.nn import AdditiveDecomposition, LocalHSIC
from plastic_rl.optim import ContinualBackprop
from tests.docs.pages import ROOT

PACKAGES = ("plastic_rl", "agents", "envs", "launch")
# Names of objects in examples, with what they are.
OBJECTS: dict[str, type] = {
    "optimizer": ContinualBackprop,
    "tasks": AdditiveDecomposition,
    "trainer": LocalHSIC,
    "examination": Examination,
    "model": on_policy_algorithm.OnPolicyAlgorithm,
    "env": gymnasium.Env,
    "network": nn.Module,
}
FOREIGN_MODULES = {"torch": torch, "nn": nn, "gymnasium": gymnasium}
FOREIGN_FACES = (stable_baselines3, buffers, callbacks, monitor, vec_env, gymnasium, torch, nn, torch.optim, torch.amp)
FIELD = object()
"""An attribute that instances alone have: nothing is known of what it holds."""


@cache
def modules() -> dict[str, ModuleType]:
    """Every module of the library, of the recipes and of the launcher, by its full name."""
    files = [path.relative_to(ROOT) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    names = [module_name(path) for path in files if path.stem != "__main__"]
    return {name: importlib.import_module(name) for name in names}


def module_name(path: Path) -> str:
    """The dotted name of a file, from the root of the repository."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


@cache
def classes() -> dict[str, list[type]]:
    """Every class of those modules by its own name."""
    found: dict[str, list[type]] = {}
    for name, module in modules().items():
        for kind in vars(module).values():
            if inspect.isclass(kind) and kind.__module__ == name:
                found.setdefault(kind.__name__, []).append(kind)
    return found


def exists(name: str) -> bool:
    """Whether a dotted name, or the name of a class, is that of something."""
    return any(_is_reached(thing, parts) for thing, parts in _beginnings(name))


def _beginnings(name: str) -> Iterator[tuple[Any, list[str]]]:
    """Yields all that the first words of a name may stand for, with the words that follow."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        first = ".".join(parts[:end])
        yield from ((module, parts[end:]) for full, module in modules().items() if f".{full}".endswith(f".{first}"))
    yield from ((kind, parts[1:]) for kind in classes().get(parts[0], ()))
    faces = (module for module in modules().values() if hasattr(module, "__path__"))
    for known in (OBJECTS, FOREIGN_MODULES, *map(vars, faces), *map(vars, FOREIGN_FACES)):
        if parts[0] in known:
            yield known[parts[0]], parts[1:]


def _is_reached(thing: Any, parts: list[str]) -> bool:
    for part in parts:
        thing = member(thing, part)
        if thing is None:
            return False
    return True


def member(thing: Any, name: str) -> Any:
    """What a module, a class or a value has by a name: `FIELD` for what instances alone have, None for nothing."""
    if inspect.ismodule(thing):
        return modules().get(f"{thing.__name__}.{name}", getattr(thing, name, None))
    if inspect.isclass(thing) and any(name in fields(kind) for kind in thing.__mro__):
        return getattr(thing, name, None) or FIELD
    return getattr(thing, name, None)


@cache
def fields(kind: type) -> set[str]:
    """What a class declares of its instances, or gives them in its methods."""
    declared = set(vars(kind).get("__annotations__", {}))
    try:
        source = inspect.getsource(kind)
    except (TypeError, OSError):  # of a class that is not written in Python
        return declared
    assigned = re.findall(r"^ *((?:self\.\w+, )*self\.\w+)(?:: [^=\n]+)? = ", source, re.MULTILINE)
    return declared | {name for names in assigned for name in re.findall(r"self\.(\w+)", names)}
