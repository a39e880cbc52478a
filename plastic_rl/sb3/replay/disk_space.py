"""The space that a replay buffer takes on disk, and whether it is there."""

from __future__ import annotations

import shutil
from pathlib import Path

from plastic_rl.errors import UserError

UNITS = ("B", "kB", "MB", "GB", "TB")


def check_space(folder: Path, needed: int) -> None:
    """Refuses a run whose replay buffer its disk cannot hold.

    Args:
        folder: of the rows; it need not be there yet.
        needed: bytes, those that are there already included.

    Raises:
        UserError: says how much is needed and free, and what to do.
    """
    there = sum(file.stat().st_blocks * 512 for file in folder.glob("*.npy"))
    free = shutil.disk_usage(next(path for path in folder.absolute().parents if path.exists())).free
    if needed > there + free:
        raise UserError(
            f"the replay buffer takes up to {in_words(needed)} in {folder}, where {in_words(there + free)} are free\n"
            "Give another disk with out=<folder>, a smaller buffer, or replay_on_disk=false, with which a run that is "
            "stopped does not go on exactly"
        )


def in_words(size: int) -> str:
    """A number of bytes for people."""
    order = min((len(str(size)) - 1) // 3, len(UNITS) - 1)
    return f"{size / 1000**order:.3g} {UNITS[order]}"
