"""The arrays of a replay buffer of which each step of the environment writes one row."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.buffers import DictReplayBuffer, NStepReplayBuffer, ReplayBuffer
from stable_baselines3.her.her_replay_buffer import HerReplayBuffer

from plastic_rl.errors import UserError

WITHOUT_DISK = "give replay_on_disk=false, and a run that is stopped goes on with an empty buffer"

KNOWN = (ReplayBuffer, DictReplayBuffer, NStepReplayBuffer, HerReplayBuffer)
"""Others may write into rows of long ago (priorities, say), which would then be lost."""

NAMES = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts", "ep_start")


def columns(buffer: ReplayBuffer) -> dict[str, np.ndarray]:
    """The arrays of a buffer, steps first, by name; those of a dictionary of observations with its keys.

    Args:
        buffer: one of Stable-Baselines3's.

    Raises:
        UserError: it is of another class, or keeps what is no number.
    """
    if type(buffer) not in KNOWN:
        raise UserError(
            f"a {type(buffer).__name__} cannot be saved: expected {', '.join(kind.__name__ for kind in KNOWN)}\n"
            f"Take one of these, or {WITHOUT_DISK}"
        )
    if getattr(buffer, "copy_info_dict", False):
        raise UserError(
            "a HerReplayBuffer with copy_info_dict=True cannot be saved, as it keeps the world's own objects\n"
            f"Take copy_info_dict=False, or {WITHOUT_DISK}"
        )
    parts: dict[str, Any] = {name: vars(buffer)[name] for name in NAMES if name in vars(buffer)}
    found: dict[str, np.ndarray] = {}
    for name, part in parts.items():
        found |= {f"{name}/{key}": each for key, each in part.items()} if isinstance(part, dict) else {name: part}
    return found


def row_type(arrays: dict[str, np.ndarray]) -> np.dtype[Any]:
    """The type of a row of all the arrays together: all that one step wrote."""
    return np.dtype([(name, array.dtype.str, array.shape[1:]) for name, array in arrays.items()])


def rows_of(arrays: dict[str, np.ndarray], slots: np.ndarray) -> np.ndarray:
    """The rows in some places of the arrays.

    Args:
        arrays: of a buffer.
        slots: the places.
    """
    rows = np.empty(len(slots), row_type(arrays))
    for name, array in arrays.items():
        rows[name] = array[slots]
    return rows


def put_rows(arrays: dict[str, np.ndarray], slots: np.ndarray, rows: np.ndarray) -> None:
    """Writes rows into some places of the arrays."""
    for name, array in arrays.items():
        array[slots] = rows[name]
