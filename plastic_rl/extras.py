"""Packages that only a part of plastic_rl needs, and how to install them from wherever it is itself.

plastic_rl is on no package index, so that `pip install 'plastic-rl[extra]'` would not find it.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from plastic_rl.errors import UserError

PACKAGE = "plastic-rl"

EXTRAS = {
    "hydra": "train",
    "omegaconf": "train",
    "mujoco": "mujoco",
    "PIL": "streams",
    "pooch": "streams",
    "sklearn": "streams",
    "tqdm": "streams",
    "sb3_contrib": "contrib",
    "Box2D": "box2d",
    "minatar": "minatar",
    "imageio": "video",
    "mujoco_warp": "warp",
    "warp": "warp",
    "tensorboard": "tensorboard",
    "plotly": "compare",
    "playwright": "browser",
    "ray": "ray",
    "submitit": "slurm",
    "optuna": "tune",
}
"""The extra that brings each package, by the name under which the package is imported."""


def needed(module: str, what: str) -> Any:
    """The module, imported.

    Args:
        module: The name under which it is imported.
        what: What needs it.

    Raises:
        UserError: It is not installed; the message says how to install it from here.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise UserError(missing(error.name or module, what)) from error


def missing(module: str, what: str) -> str:
    """The message about a package that is not installed.

    Args:
        module: The name under which it is imported, or a part of it.
        what: What needs it.
    """
    package = module.partition(".")[0]
    extra = EXTRAS.get(package)
    command = f"pip install {shlex.quote(package)}" if extra is None else installation(extra)
    named = f" (the extra {extra!r})" if extra else ""
    return f"{what} needs {package}, which is not installed{named}: {command}{_other_python()}"


def installation(extra: str) -> str:
    """The command that installs what an extra needs: by the checkout, where there is one, else package by package.

    Args:
        extra: As `pyproject.toml` calls it.
    """
    root = _checkout()
    if root is not None:
        place = "." if root == Path.cwd() else str(root)
        return f"pip install -e {shlex.quote(f'{place}[{extra}]')}"
    requirements = sorted(set(_requirements(extra)))
    return f"pip install {' '.join(map(shlex.quote, requirements))}"


def _checkout() -> Path | None:
    """The folder of the checkout that the package lies in; None where it was installed without one."""
    root = Path(__file__).resolve().parents[1]
    project = root / "pyproject.toml"
    return root if project.is_file() and f'name = "{PACKAGE}"' in project.read_text() else None


def _other_python() -> str:
    """A line on the Python that `make` has installed everything for, where another one runs; else nothing."""
    root = _checkout()
    if root is None or not (root / ".venv" / "bin" / "python").exists():
        return ""
    if (root / ".venv").resolve() == Path(sys.prefix).resolve():
        return ""
    place = ".venv" if root == Path.cwd() else f"{root}/.venv"
    return f"\nOr take the Python that make has installed it for: source {shlex.quote(f'{place}/bin/activate')}"


def _requirements(extra: str) -> Iterator[str]:
    """The requirements of an extra of the installed package; extras that it is made of included."""
    for line in metadata.requires(PACKAGE) or ():
        requirement, _, marker = line.partition(";")
        if re.search(rf"extra\s*==\s*['\"]{extra}['\"]", marker):
            parts = re.fullmatch(rf"{PACKAGE}\[(.+)\]", requirement.strip())
            if parts is None:
                yield requirement.strip()
            else:
                for part in parts[1].split(","):
                    yield from _requirements(part.strip())
