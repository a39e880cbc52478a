"""The observations that a model learned from last, in a file."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm


def save_observations(model: BaseAlgorithm, path: Path | str | IO[bytes], count: int = 1024) -> None:
    """Saves observations from a model's rollout or replay buffer, as its networks saw them, for the doctor.

    ::

        model.learn(100_000)
        model.save("model.zip")
        save_observations(model, "observations.npz")

    Args:
        model: one that has learned.
        path: of the .npz to write, or a file that is open.
        count: how many at most, at equal distances in time.

    Raises:
        ValueError: the model has collected none.
    """
    rows = collected_observations(model, count)
    np.savez_compressed(path, **(rows if isinstance(rows, dict) else {"observations": rows}))


def has_collected(model: Any) -> bool:
    """True if a model's buffer holds observations."""
    rollout, replay = getattr(model, "rollout_buffer", None), getattr(model, "replay_buffer", None)
    return (rollout is not None and rollout.full) or (replay is not None and replay.size() > 0)


def collected_observations(model: Any, count: int | None = None) -> Any:
    """The observations that a model's buffer holds, one a row.

    Args:
        model: one that has collected some.
        count: how many at most, at equal distances in time; None for all.

    Raises:
        ValueError: the model has collected none.
    """
    rollout, replay = getattr(model, "rollout_buffer", None), getattr(model, "replay_buffer", None)
    if rollout is not None and rollout.full:
        return _evenly(_rows(rollout.observations, model.observation_space), count)
    if replay is not None and replay.size():
        observations = replay.observations
        is_dict = isinstance(observations, dict)
        size = replay.size()
        filled = {name: part[:size] for name, part in observations.items()} if is_dict else observations[:size]
        rows, normalise = _evenly(_rows(filled, model.observation_space), count), model.get_vec_normalize_env()
        return rows if normalise is None else normalise.normalize_obs(rows)  # a replay buffer holds them as they were
    raise ValueError("the model has collected no observations yet; save them after `learn`")


def _evenly(rows: Any, count: int | None) -> Any:
    """Some of the rows, at equal distances; all where there are no more."""
    if isinstance(rows, dict):
        return {name: _evenly(part, count) for name, part in rows.items()}
    if count is None or len(rows) <= count:
        return rows
    return rows[np.linspace(0, len(rows) - 1, count).astype(int)]


def _rows(observations: Any, space: Any) -> Any:
    """Observations by steps and copies of the environment, or already one a row, as one a row."""
    if isinstance(observations, dict):
        return {name: _rows(part, space[name]) for name, part in observations.items()}
    return observations.reshape(-1, *space.shape)
