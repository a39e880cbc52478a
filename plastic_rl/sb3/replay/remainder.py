"""The numbers beside a replay buffer's rows: lengths of episodes for HER, and the observation that lies ahead."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.her.her_replay_buffer import HerReplayBuffer

from plastic_rl.runs.encoding import decode, encode


def remainder(buffer: ReplayBuffer) -> dict[str, Any]:
    """All that a buffer needs beside its rows, for a checkpoint; empty for most."""
    if isinstance(buffer, HerReplayBuffer):
        # Written at the end of an episode into all of its rows, and again when the episode is overwritten.
        values, counts = run_lengths(buffer.ep_length.T.ravel())
        lengths = {"values": values, "counts": counts, "began": buffer._current_ep_start}
        return {"episodes": encode(lengths)}
    if buffer.optimize_memory_usage:  # the next observation is already where the next row is going to be
        return {"ahead": encode(buffer.observations[buffer.pos])}
    return {}


def restore_remainder(buffer: ReplayBuffer, saved: dict[str, Any]) -> None:
    """Gives a buffer, its rows and position restored, what :func:`remainder` found."""
    if isinstance(buffer, HerReplayBuffer):
        lengths = decode(saved["episodes"])
        flat = np.repeat(lengths["values"], lengths["counts"])
        buffer.ep_length[:] = flat.reshape(buffer.ep_length.T.shape).T
        buffer._current_ep_start[:] = lengths["began"]
    elif buffer.optimize_memory_usage:
        buffer.observations[buffer.pos] = decode(saved["ahead"])


def run_lengths(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values of a row of numbers without their repetitions, and the number of times that each is repeated.

    Args:
        values: at least one.
    """
    begins = np.flatnonzero(np.diff(values, prepend=values[0] - 1))
    return values[begins], np.diff(begins, append=len(values))
