"""Files that are either the old one or the new one, whole, whenever the power goes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from plastic_rl.errors import RunError

PARTIAL = ".partial"


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Replace `path` by what `write` puts into the file that it is handed; the old file stays if anything fails.

    Args:
        path: The file to replace or create. The new one is first built beside it, as `<name>.partial`.
        write: Called once with an empty file opened for writing and reading.

    Raises:
        OSError: The file cannot be written; the partial one is removed.
    """
    partial = path.with_name(path.name + PARTIAL)
    try:
        with partial.open("w+b") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        sync_folder(path.parent)
    except BaseException as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise _disk_error(error) from error


def write_unsynced(path: Path, text: str) -> None:
    """Replace `path` by a text at once for other processes; after a power cut it may be empty, or gone.

    Args:
        path: The file to replace or create.
        text: All of it.

    Raises:
        OSError: The file cannot be written.
    """
    partial = path.with_name(path.name + PARTIAL)
    partial.write_text(text)
    partial.replace(path)


def write_result(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Replace one of a run's files, whole, by what `write` puts into the file that it is handed.

    Args:
        path: The file to replace or create.
        write: As for `write_atomically`.

    Raises:
        RunError: The disk does not take it; the old file stays.
    """
    with disk_trouble_told(path):
        write_atomically(path, write)


@contextmanager
def disk_trouble_told(path: Path) -> Iterator[None]:
    """Turn what the disk says while a file is written into what the user can do.

    Args:
        path: The file.

    Raises:
        RunError: The disk does not take it.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise gone(path) from error
    except OSError as error:
        raise RunError(
            f"{path} not written: {error.strerror or error}. "
            "Free some space there and give the same command again; it goes on from the last checkpoint."
        ) from error


def gone(path: Path) -> RunError:
    """The error of a file that is no longer where a run has been writing it."""
    return RunError(
        f"{path} is gone: its folder was deleted or moved while the run was on, and no more can be saved. "
        "Give the same command again; it goes on from what is there."
    )


def _disk_error(error: BaseException) -> BaseException:
    # torch.save answers a full disk with a RuntimeError about its archive; the disk's own error lies behind it.
    disk = error.__context__
    return disk if isinstance(error, RuntimeError) and isinstance(disk, OSError) else error


def sync_folder(folder: Path) -> None:
    """Have a folder's names on disk for good: a new or renamed file is there only when its name is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
