"""One process at a time in a run folder."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import socket
import weakref
from pathlib import Path

from plastic_rl.errors import UserError

logger = logging.getLogger(__name__)

WITHOUT_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS}


class FolderLock:
    """A lock on a file that the operating system releases when its process ends, kill -9 included.

    The file names the process that holds the lock. It stays on disk: removing it would let two processes lock two files
    of one name.

    Args:
        path: The lock file; made where it is missing.

    Raises:
        UserError: Another process holds the lock.
        OSError: The file cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        self._close = weakref.finalize(self, os.close, descriptor)
        try:
            _lock(descriptor, path)
            _sign(descriptor)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Let another process in; does nothing the second time."""
        self._close()


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "unknown"
        raise UserError(
            f"Another process ({holder}) is running {path.parent}. "
            "Wait for it, stop it, or choose another seed or another `out`."
        ) from None
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
        logger.warning("The file system of %s has no locks: start this run only once.", path.parent)


def _sign(descriptor: int) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"pid {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
    os.fsync(descriptor)
