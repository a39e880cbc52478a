"""The saved model that a run begins with: where it is, what it is told from others by, and whether it fits."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from plastic_rl.choices import Reset
from plastic_rl.errors import UserError
from plastic_rl.runs import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable

    from stable_baselines3.common.base_class import BaseAlgorithm

LENGTH = 16


def start_file(given: str) -> Path:
    """Return the zip that is meant: of a run's folder its model.

    Raises:
        UserError: It is not there.
    """
    path = RunFolder(Path(given)).model_file if Path(given).is_dir() else Path(given)
    if not path.is_file():
        raise UserError(f"start_from={given}: there is no {path}; give a model.zip, or the folder of a finished run")
    return path


def digest_of_start(given: str) -> str:
    """Return what tells a saved model from all others, wherever it lies.

    Raises:
        UserError: It is not there.
    """
    path = start_file(given)
    state = path.stat()
    return _digest(path, state.st_mtime_ns, state.st_size)


def begun(make: Callable[[], BaseAlgorithm], given: str | None, reset: str) -> BaseAlgorithm:
    """Return a model that begins with saved weights.

    Args:
        make: Makes it.
        given: The zip, or the folder of a run; None for none.
        reset: The part that is drawn afresh.

    Raises:
        UserError: It does not fit.
    """
    if given is None:
        return make()
    from plastic_rl.sb3.starting import Start, put_statistics, starting

    path = start_file(given)
    with starting(Start(path, Reset(reset))):
        model = make()
    put_statistics(model, RunFolder(path.parent).normalization_file)
    return model


@lru_cache
def _digest(path: Path, changed: int, size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:LENGTH]
