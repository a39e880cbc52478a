"""The run's numbers, one JSON object a line, that stay in step with its checkpoints."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from plastic_rl.errors import RunError
from plastic_rl.runs.atomic import gone

logger = logging.getLogger(__name__)


class MetricsFile:
    r"""An append-only file of metrics, one strict JSON object a line, each beginning with its `global_step`.

    Strict JSON has no NaN and no infinity: both are written as null.

    Args:
        path: The file; made where it is missing.
        position: Length in bytes that the checkpoint knew, to which the file is cut: what came later will be run again.
            None where there is no checkpoint: the run begins, and so does the file.

    Raises:
        RunError: The file cannot be written.

    Example:
        >>> with MetricsFile(path, position=None) as metrics:
        ...     metrics.write(2048, {"episode/return": 12.5})
    """

    def __init__(self, path: Path, position: int | None) -> None:
        self.path = Path(path)
        try:
            self._file = self.path.open("ab")
            self._cut(position or 0)
        except OSError as error:
            raise RunError(f"Cannot write {self.path}: {error.strerror or error}.") from error

    @property
    def position(self) -> int:
        """Length in bytes so far, for the checkpoint; all of it is on disk for good when this returns.

        Raises:
            RunError: The file is no longer where it was: somebody deleted or moved the run's folder.
        """
        os.fsync(self._file.fileno())
        if not self._is_in_place():
            raise gone(self.path)
        return self._file.tell()

    def write(self, step: int, values: Mapping[str, object]) -> None:
        """Append one line, at once visible to other processes.

        Args:
            step: Global number of environment steps (or batches); it wins over a `global_step` among the values.
            values: Numbers (also of numpy and torch, of one element), booleans, strings and None.

        Raises:
            TypeError: A value is none of these.
            RunError: The disk does not take the line.
        """
        line = {"global_step": int(step)} | {name: _plain(name, value) for name, value in values.items()}
        line["global_step"] = int(step)
        try:
            self._file.write(json.dumps(line, allow_nan=False).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise RunError(
                f"Metrics of step {step} not written to {self.path}: {error.strerror or error}. "
                "Free some space and give the same command again; it goes on from the last checkpoint."
            ) from error

    def close(self) -> None:
        """Close the file."""
        # Only a line that `write` already failed on can still be held back; its error was raised there.
        with suppress(OSError):
            self._file.close()

    def __enter__(self) -> MetricsFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), self.path.stat())
        except OSError:
            return False

    def _cut(self, position: int) -> None:
        length = self._file.seek(0, os.SEEK_END)
        if position > length:
            logger.warning("%s is shorter than at the last checkpoint: some of its lines are lost.", self.path)
            position = _whole_lines(self.path)
        self._file.truncate(position)
        self._file.seek(position)


def read_metrics(path: Path) -> list[dict[str, object]]:
    """The lines of a metrics file in order; a last line that is only half-written is left out.

    Args:
        path: A file written by `MetricsFile`, possibly by a run that goes on writing.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A whole line is not JSON.
    """
    text = Path(path).read_bytes()
    return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]


def _whole_lines(path: Path) -> int:
    return path.read_bytes().rfind(b"\n") + 1


def _plain(name: str, value: object) -> object:
    number = _single(value)
    if isinstance(number, float):
        return float(number) if math.isfinite(number) else None
    if number is None or isinstance(number, bool | int | str):
        return number
    raise TypeError(f"metric {name!r} must be one number, boolean, string or None, got {value!r}")


def _single(value: object) -> object:
    # Numbers of numpy and torch give their plain selves by item(); asking for it imports neither.
    item = getattr(value, "item", None)
    try:
        return value if item is None else item()
    except (ValueError, RuntimeError):
        return value
