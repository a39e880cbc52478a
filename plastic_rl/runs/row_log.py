"""Rows of numbers beside a run's checkpoints: appended between them, never rewritten, forgotten from the front."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from plastic_rl.runs.atomic import disk_trouble_told, sync_folder


class RowLog:
    """Rows that are numbered from zero, in files of equally many, each an array that `numpy.load` maps.

    A checkpoint holds :meth:`state`: how many rows count, and a checksum of those in each file. What lies behind them,
    of a run that was killed later, is overwritten. A file is removed only when :meth:`forget` says that nothing counts
    a row of it any more, so any number of checkpoints can be gone back to.

    Args:
        directory: Where the files lie; made with the first of them.
        dtype: Of a row, a structure.
        rows_per_file: The number of rows in each file.
    """

    def __init__(self, directory: Path, dtype: np.dtype[Any], rows_per_file: int) -> None:
        self.directory, self.dtype, self.rows_per_file = Path(directory), dtype, rows_per_file
        self.end = 0  # the number of the next row
        self._checksums: dict[int, int] = {}  # by the number of a file's first row
        self._unsynced: set[Path] = set()

    def begin_at(self, row: int) -> None:
        """Begin a log that holds nothing with a row, or the first of the same file."""
        self.end = self._file_of(row)

    def append(self, rows: np.ndarray) -> None:
        """Write rows behind the last one; they need not be on disk for good before :meth:`sync`.

        Args:
            rows: Of this log's type.

        Raises:
            RunError: The disk does not take them.
        """
        while len(rows):
            first = self._file_of(self.end)
            part = rows[: first + self.rows_per_file - self.end]
            with disk_trouble_told(self.path(first)):
                self._write(first, part.tobytes())
            self.end += len(part)
            rows = rows[len(part) :]

    def sync(self) -> None:
        """Have all rows on disk for good.

        Raises:
            RunError: The disk does not take them.
        """
        for path in sorted(self._unsynced):
            with disk_trouble_told(path), path.open("rb") as file:
                os.fsync(file.fileno())
        self._unsynced.clear()

    def state(self) -> dict[str, Any]:
        """The rows that count, in numbers and strings."""
        layout = {"row": repr(self.dtype.descr), "rows_per_file": self.rows_per_file}
        return {**layout, "end": self.end, "checksums": dict(self._checksums)}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on behind the rows that counted, with as many rows in a file as there were.

        Raises:
            ValueError: They were rows of another kind.
        """
        if state["row"] != (mine := repr(self.dtype.descr)):
            raise ValueError(f"rows are {state['row']} there and {mine} here")
        self.rows_per_file, self.end = state["rows_per_file"], state["end"]
        self._checksums = dict(state["checksums"])

    def first_damaged(self, state: dict[str, Any], start: int) -> Path | None:
        """The first file in which rows are no longer what they were; None where all are whole.

        Args:
            state: Of this log, or one like it.
            start: The first row that matters.
        """
        per_file, checksums = state["rows_per_file"], state["checksums"]
        for first in sorted(first for first in checksums if first + per_file > start):
            if self._checksum(first, min(per_file, state["end"] - first)) != checksums[first]:
                return self.path(first)
        return None

    def read(self, start: int) -> Iterator[tuple[int, np.ndarray]]:
        """All rows from one on, file by file, mapped into memory, each with the number of the first.

        Args:
            start: The first row to read.
        """
        for first in range(self._file_of(start), self.end, self.rows_per_file):
            begin, stop = max(start - first, 0), min(self.end - first, self.rows_per_file)
            yield first + begin, np.load(self.path(first), mmap_mode="r")[begin:stop]

    def forget(self, before: int) -> None:
        """Remove the files that hold nothing but rows before one.

        Args:
            before: The first row that still counts.
        """
        for first in [first for first in self._checksums if first + self.rows_per_file <= before]:
            self.path(first).unlink(missing_ok=True)
            del self._checksums[first]

    def path(self, first: int) -> Path:
        """The file that begins with a row."""
        return self.directory / f"rows-{first:012d}.npy"

    def _file_of(self, row: int) -> int:
        return row - row % self.rows_per_file

    def _write(self, first: int, data: bytes) -> None:
        path, place = self.path(first), self.end - first
        if place == 0:
            self._make(path)
            self._checksums[first] = 0
        # Not through a map: where a disk is full, that ends the process without a word.
        with path.open("r+b") as file:
            file.seek(self._header_bytes(path) + place * self.dtype.itemsize)
            file.write(data)
        self._checksums[first] = zlib.crc32(data, self._checksums[first])
        self._unsynced.add(path)

    def _make(self, path: Path) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        np.lib.format.open_memmap(path, "w+", self.dtype, (self.rows_per_file,))
        sync_folder(self.directory)

    def _header_bytes(self, path: Path) -> int:
        return np.load(path, mmap_mode="r").offset

    def _checksum(self, first: int, rows: int) -> int | None:
        try:
            found = np.load(self.path(first), mmap_mode="r")
            return zlib.crc32(found[:rows].tobytes()) if found.dtype == self.dtype and len(found) >= rows else None
        except (OSError, ValueError):
            return None
