"""The replay buffer of a run that goes on: as it was, or empty where nobody kept it."""

from __future__ import annotations

import logging
from typing import Any

from plastic_rl.sb3.replay.replay_log import ReplayLog

logger = logging.getLogger(__name__)


def restore_replay(model: Any, replay: ReplayLog | None, saved: dict[str, Any] | None) -> None:
    """Fills a model's replay buffer as it was, or has an empty one filled before the model learns on.

    Args:
        model: with all else restored; one without such a buffer is left alone.
        replay: keeps the buffer; None where nobody does.
        saved: of the buffer, from a checkpoint; None where it holds nothing of it.
    """
    if replay is not None and saved is not None:
        replay.load_state(saved)
    elif getattr(model, "replay_buffer", None) is not None:
        logger.warning(
            "The replay buffer was not kept: it is empty at step %d, and %d steps with random actions fill it before "
            "the agent learns on; the run is not what it would have been without a stop.",
            *(model.num_timesteps, model.learning_starts),
        )
        model.learning_starts += model.num_timesteps
        if replay is not None:
            replay.begin()
