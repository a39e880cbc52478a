"""The part of a model that a checkpoint does not hold, so that a resumed run is not the uninterrupted one."""

from __future__ import annotations

from typing import Any


def not_saved(model: Any) -> list[str]:
    """The parts of a model that no checkpoint holds, in words; none where a run is resumed exactly.

    Args:
        model: of Stable-Baselines3 or sb3-contrib.
    """
    missing: list[str] = []
    if getattr(model, "replay_buffer", None) is not None:
        missing.append("its replay buffer")
    if hasattr(model, "_last_lstm_states"):
        missing.append("the memory of its LSTM")
    if getattr(model, "ent_coef_optimizer", None) is not None:
        missing.append("its entropy coefficient")
    return missing
