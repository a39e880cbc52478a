"""Modules of the user's own project, in a process in which `agents`, `envs` and `launch` are plastic_rl's."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

OURS = ("agents", "envs", "launch")
_theirs: dict[str, ModuleType] = {}


@contextmanager
def names_of_the_user() -> Iterator[None]:
    """Have `agents`, `envs` and `launch` mean the packages of the user's project, where it has any, for a while.

    The present folder is where modules are looked for first, as `python -m` does, and plastic_rl's last. What is
    imported here keeps the modules that it has imported.
    """
    ours, path = _taken(), list(sys.path)
    sys.modules.update(_theirs)
    root = str(Path(__file__).parents[1])
    sys.path[:] = [os.getcwd(), *(place for place in path if place != root), root]
    try:
        yield
    finally:
        _theirs.update(_taken())
        sys.modules.update({**_theirs, **ours})  # those of other names stay, for imports in the middle of a step
        sys.path[:] = path


def _taken() -> dict[str, ModuleType]:
    """The modules of these names, which are then free for others."""
    names = [name for name in sys.modules if name.partition(".")[0] in OURS]
    return {name: sys.modules.pop(name) for name in names}
