"""A replay buffer's rows on disk, in step with the checkpoints of its run."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.buffers import ReplayBuffer

from plastic_rl.runs.row_log import RowLog
from plastic_rl.sb3.forecast import pace_of
from plastic_rl.sb3.replay.columns import columns, put_rows, row_type, rows_of
from plastic_rl.sb3.replay.remainder import remainder, restore_remainder

FILE_BYTES = 16 << 20
"""Of a file of rows, at least."""

FILES = 32
"""The number of files of a large buffer."""

FILES_BETWEEN = 4
"""Filled with rows, these have a checkpoint come early: so there is a bound to what lies on disk."""

APPENDED_BYTES = 1 << 20
"""Of rows that are written at once."""


class ReplayLog:
    """Keeps a copy of a replay buffer on disk.

    The buffer itself is a ring in memory, as Stable-Baselines3 has it. On disk each step of the environment is one row
    more of a list that only grows, in files of which the oldest are removed when no checkpoint counts a row of theirs;
    so no row that a checkpoint may need is ever overwritten, and the step alone says which rows count.

    Args:
        model: that learns from the buffer, off-policy.
        directory: of the rows.
        total_steps: environment steps of the run, beyond which no rows come.

    Raises:
        UserError: the buffer cannot be saved.
    """

    def __init__(self, model: Any, directory: Path, total_steps: int) -> None:
        self.model, self.buffer = model, _buffer_of(model)
        self.arrays = columns(self.buffer)
        row = row_type(self.arrays)
        self.size: int = self.buffer.buffer_size
        per_file = max(math.ceil(self.size / FILES), FILE_BYTES // row.itemsize, 1)
        self.rows = RowLog(directory, row, per_file)
        # The round in which a run ends is finished; of one that is an episode nobody knows the length.
        pace = pace_of(model, None)
        self._total_steps = total_steps + model.n_envs - 1 if pace is None else pace.whole_rounds(total_steps)
        self.begin()

    def begin(self) -> None:
        """Begin anew, with what is in the buffer now."""
        self._before = _count(self.buffer) - self._steps(self.model.num_timesteps)  # rows that no step of the run wrote
        self._saved = self.count
        self.rows.begin_at(max(0, self.count - self.size))

    @property
    def count(self) -> int:
        """Rows that were written into the buffer so far, those included that are no longer in it."""
        return self._count_at(self.model.num_timesteps)

    @property
    def bytes(self) -> int:
        """The space that the rows take on disk at most, if no single rollout fills the buffer."""
        # Two checkpoints and the rows behind the second, and a file at either end of which a part is needed.
        most = self.size + (2 * FILES_BETWEEN + 2) * self.rows.rows_per_file
        return min(most, self._count_at(self._total_steps)) * self.rows.dtype.itemsize

    @property
    def is_far_ahead(self) -> bool:
        """True if a checkpoint is due, as there are many rows behind those of the last."""
        return self.count - self._saved >= FILES_BETWEEN * self.rows.rows_per_file

    def append(self) -> None:
        """Write the rows that are new, where they are enough to be worth it.

        Raises:
            RunError: The disk does not take them.
        """
        if (self.count - self.rows.end) * self.rows.dtype.itemsize >= APPENDED_BYTES:
            self._append_all()

    def state(self) -> dict[str, Any]:
        """The part of the buffer that a checkpoint holds, once all its rows are on disk for good.

        Raises:
            RunError: The disk does not take them.
        """
        self._append_all()
        self.rows.sync()
        self._saved = self.count
        return {"rows": self.rows.state(), "size": self.size, "before": self._before, **remainder(self.buffer)}

    def load_state(self, state: dict[str, Any]) -> None:
        """Fills the buffer as it was; the model's own steps are restored before.

        Raises:
            ValueError: it was a buffer of another kind.
        """
        if state["size"] != self.size:
            raise ValueError(f"the replay buffer has {state['size']} places there and {self.size} here")
        self.rows.load_state(state["rows"])
        self._before, self._saved = state["before"], self.rows.end
        for first, rows in self.rows.read(max(0, self.count - self.size)):
            put_rows(self.arrays, self._slots(first, first + len(rows)), rows)
        self.buffer.pos, self.buffer.full = self.count % self.size, self.count >= self.size
        restore_remainder(self.buffer, state)

    def damage(self, state: dict[str, Any]) -> str | None:
        """The damage to the rows that a checkpoint counts, in words; None where they are whole."""
        path = self.rows.first_damaged(state["rows"], max(0, state["rows"]["end"] - self.size))
        return None if path is None else f"{path} is damaged or gone (replay_on_disk=false goes on without the buffer)"

    def forget(self, steps: Iterable[int]) -> None:
        """Remove rows that no checkpoint counts.

        Args:
            steps: of all checkpoints that there are.
        """
        self.rows.forget(min(map(self._count_at, steps), default=self.count) - self.size)

    def _append_all(self) -> None:
        at_once = max(APPENDED_BYTES // self.rows.dtype.itemsize, 1)
        while self.rows.end < self.count:
            slots = self._slots(self.rows.end, min(self.count, self.rows.end + at_once))
            self.rows.append(rows_of(self.arrays, slots))

    def _slots(self, start: int, stop: int) -> np.ndarray:
        return np.arange(start, stop) % self.size

    def _steps(self, steps: int) -> int:
        return steps // self.model.n_envs

    def _count_at(self, steps: int) -> int:
        return self._before + self._steps(steps)


def _count(buffer: ReplayBuffer) -> int:
    """Rows that were written into a buffer, as far as it knows."""
    return buffer.pos + (buffer.buffer_size if buffer.full else 0)


def _buffer_of(model: Any) -> ReplayBuffer:
    assert isinstance(model.replay_buffer, ReplayBuffer)
    return model.replay_buffer
