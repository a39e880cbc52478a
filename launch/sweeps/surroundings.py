"""The environment variables of processes that train jobs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


def surroundings(threads: int) -> Mapping[str, str]:
    """Return what has a new process find our modules, and no others of their names, and libraries use so many threads.

    Args:
        threads: Of each process, where nobody has said otherwise.
    """
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYTHONSAFEPATH": "1",  # the folder that the command is given in may have modules of our names
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(threads)),
    }


@contextmanager
def in_surroundings(threads: int) -> Iterator[None]:
    """Have processes that begin here inherit them.

    Args:
        threads: Of each.
    """
    before = dict(os.environ)
    os.environ.update(surroundings(threads))
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)
