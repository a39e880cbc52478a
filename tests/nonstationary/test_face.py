"""The package's face: every public name, none that torch has too, and the page speaks of these names."""

from __future__ import annotations

import inspect
import pkgutil
import re
from importlib import import_module
from pathlib import Path

import torch

import plastic_rl.nonstationary as library

INNER = {"batched_tasks", "boxes", "classic_control", "descriptions", "differences", "lives", "task_sequence", "worlds"}
"""Modules that only other modules of the package use."""
PAGE = Path(__file__).parents[2] / "docs" / "environments.md"


def test_every_public_class_is_in_the_face():
    for module in (info.name for info in pkgutil.iter_modules(library.__path__) if info.name not in INNER):
        place = f"{library.__name__}.{module}"
        classes = inspect.getmembers(import_module(place), inspect.isclass)
        own = {name for name, kind in classes if kind.__module__ == place and not name.startswith("_")}
        assert own <= set(library.__all__), place


def test_every_name_of_the_face_is_there():
    assert all(hasattr(library, name) for name in library.__all__)


def test_no_name_is_torchs_too():
    torchs = {*dir(torch.nn), *dir(torch.optim), *dir(torch.distributions), *dir(torch.utils.data)}
    assert torchs & set(library.__all__) == set()


def test_the_page_speaks_of_changes_schedules_and_values_that_are_there():
    section = PAGE.read_text().partition("## What can change")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([A-Z]\w+)[(`]", section))
    assert len(named) > 45
    assert named <= set(library.__all__)
