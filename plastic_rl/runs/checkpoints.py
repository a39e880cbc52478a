"""The last few states of a run, each whole or not there at all."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from plastic_rl.errors import RunError
from plastic_rl.runs.atomic import PARTIAL, write_atomically
from plastic_rl.runs.plain_values import check_plain
from plastic_rl.runs.seal import is_whole, seal

logger = logging.getLogger(__name__)

PATTERN = "step-" + "[0-9]" * 12 + ".pt"


def _nothing_beside(state: dict[str, Any]) -> str | None:
    return None


class Checkpoints:
    """A folder with the newest checkpoints of a run, safe against a kill, a full disk and a flipped bit.

    A checkpoint is the file `step-<step>.pt`: what `torch.save` writes, followed by its SHA-256. It is built under a
    temporary name and renamed, and the ones before it are removed only afterwards, so that a whole one always exists.

    Args:
        directory: Where the files lie; made at the first save.
        keep: How many of the newest to keep.

    Raises:
        ValueError: `keep` is below 1.
    """

    def __init__(self, directory: Path, keep: int = 2) -> None:
        if keep < 1:
            raise ValueError(f"keep must be at least 1, got {keep}")
        self.directory = Path(directory)
        self.keep = keep
        self._unreadable: set[Path] = set()

    def save(self, step: int, state: dict[str, Any]) -> Path:
        """Write `state` as the checkpoint of `step` and remove what it makes superfluous.

        Args:
            step: Global number of environment steps (or batches) so far.
            state: Tensors, numbers, strings, None, and lists, tuples and dicts of them.

        Returns:
            The checkpoint's file.

        Raises:
            TypeError: `state` holds something else; nothing is written.
            RunError: The disk does not take it; the earlier checkpoints are untouched.
        """
        check_plain(state, "state")
        path = self.path(step)
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            write_atomically(path, lambda file: _write(file, state))
        except OSError as error:
            raise self._not_saved(step, error) from error
        self._tidy(path)
        return path

    def path(self, step: int) -> Path:
        """The file of the checkpoint of a step."""
        return self.directory / f"step-{step:012d}.pt"

    def latest(
        self, damage: Callable[[dict[str, Any]], str | None] = _nothing_beside
    ) -> tuple[int, dict[str, Any]] | None:
        """The newest checkpoint that reads whole, as `(step, state)` with its tensors on the CPU; None without any.

        Args:
            damage: Says in words what a state names beside itself and is damaged; None where nothing is.

        Raises:
            RunError: There are checkpoints, but not one of them can be read.
        """
        paths, wrong = self._paths(), "they are damaged"
        for path in reversed(paths):
            state = _read(path)
            beside = None if state is None else damage(state)
            if state is not None and beside is None:
                return _step(path), state
            self._unreadable.add(path)
            wrong = beside or wrong
            told = f" ({beside})" if beside else ""
            logger.warning("Checkpoint %s is damaged%s; going back to the one before it.", path, told)
        if paths:
            raise RunError(
                f"None of the {len(paths)} checkpoints in {self.directory} can be read: {wrong}. "
                "Start the run over with fresh=true."
            )
        return None

    def steps(self) -> list[int]:
        """The steps of all checkpoints that there are, the oldest first."""
        return [_step(path) for path in self._paths()]

    def clear(self) -> None:
        """Remove every checkpoint, and the folder if nothing else is in it."""
        for path in (*self._paths(), *self._partial()):
            path.unlink(missing_ok=True)
        if self.directory.is_dir() and not any(self.directory.iterdir()):
            self.directory.rmdir()

    def _paths(self) -> list[Path]:
        return sorted(self.directory.glob(PATTERN), key=_step)

    def _partial(self) -> list[Path]:
        return list(self.directory.glob(PATTERN + PARTIAL))

    def _tidy(self, newest: Path) -> None:
        # A file with a later step than the one just written can only be a damaged one that the run went back from.
        past = [path for path in self._paths() if _step(path) <= _step(newest)]
        keep = [path for path in past if path == newest or path not in self._unreadable][-self.keep :]
        for path in {*self._paths(), *self._partial()} - set(keep):
            path.unlink(missing_ok=True)

    def _not_saved(self, step: int, error: OSError) -> RunError:
        whole = [path for path in self._paths() if path not in self._unreadable]
        safe = f"the last whole one is {whole[-1].name}" if whole else "there is no earlier one"
        return RunError(
            f"Checkpoint of step {step} not written to {self.directory}: {error.strerror or error}; {safe}. "
            "Free some space there and give the same command again."
        )


def _write(file: BinaryIO, state: dict[str, Any]) -> None:
    import torch

    torch.save(state, file)
    seal(file)


def _read(path: Path) -> dict[str, Any] | None:
    import torch

    try:
        with path.open("rb") as file:
            state = torch.load(file, map_location="cpu", weights_only=True) if is_whole(file) else None
    except Exception:  # A bad sector is damage too, and so is what is sealed but no checkpoint.
        return None
    return state if isinstance(state, dict) else None


def _step(path: Path) -> int:
    return int(path.stem.removeprefix("step-"))
