"""Weights & Biases beside the run: on the server, on disk, or not at all; never in the run's way."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from plastic_rl.errors import UserError
from plastic_rl.runs.wandb_key import has_key

if TYPE_CHECKING:
    from wandb.sdk.wandb_run import Run

logger = logging.getLogger(__name__)

PROJECT = "plastic_rl"
CONNECT_SECONDS = 30.0
FLUSH_SETTING = "x_transaction_log_flush_interval"
FLUSH_SECONDS = 1.0


class Track(Enum):
    """The place where a run is tracked: `auto` is online where there is a key for W&B, else offline."""

    auto = "auto"
    online = "online"
    offline = "offline"
    off = "off"


@runtime_checkable
class Tracker(Protocol):
    """Takes a run's metrics as they come."""

    run_id: str | None
    """The name that a resumed run must give to be the same run; None where there is none."""

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Take the metrics of one global step; steps must not go back."""
        ...

    def finish(self, exit_code: int) -> None:
        """End the run; 0 says that it went well."""
        ...


class NoTracker:
    """A tracker that tracks nothing."""

    run_id: str | None = None

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        pass

    def finish(self, exit_code: int) -> None:
        pass


def open_tracker(
    track: Track,
    *,
    folder: Path,
    run_id: str | None,
    name: str,
    group: str,
    config: Mapping[str, Any],
) -> Tracker:
    """Start tracking a run, or go on with it.

    Args:
        track: Where to.
        folder: The run's folder; W&B writes below its `wandb`.
        run_id: `run_id` of the tracker that the run had before it was interrupted; None for a new run.
        name: What the run is called.
        group: What it is compared with: runs that differ in their seed only share it.
        config: The resolved settings.

    Raises:
        UserError: `online` is asked for, but there is no key, or W&B cannot be reached.
    """
    start = {"dir": folder, "id": run_id, "name": name, "group": group, "config": dict(config)}
    if track is Track.off:
        return NoTracker()
    if track is Track.online and not has_key():
        raise UserError(
            "track=online needs a key for W&B, and there is none. "
            "Give one with `wandb login` or WANDB_API_KEY, or use track=offline."
        )
    return _open_online(track, start) if _is_online(track) else _open_offline(start)


def _is_online(track: Track) -> bool:
    if track is not Track.auto:
        return track is Track.online
    online = has_key() and os.environ.get("WANDB_MODE") != "offline"
    reason = "a key was found" if online else "no key, or WANDB_MODE=offline; `wandb sync` uploads the run later"
    logger.info("W&B is %s: %s.", "online" if online else "offline", reason)
    return online


def _open_online(track: Track, start: dict[str, Any]) -> Tracker:
    try:
        return WandbTracker(_start("online", start))
    except Exception as error:  # W&B's errors have no common parent
        cause = _first_line(error)
        if track is Track.online:
            raise UserError(
                f"W&B does not start ({cause}). track=offline keeps the run on disk for `wandb sync`."
            ) from error
        logger.warning("W&B does not start online (%s): offline instead.", cause)
        return _open_offline(start)


def _open_offline(start: dict[str, Any]) -> Tracker:
    try:
        return WandbTracker(_start("offline", start))
    except Exception as error:
        logger.warning("W&B does not start (%s): the run goes on without it.", _first_line(error))
        return NoTracker()


def _start(mode: Literal["online", "offline"], start: dict[str, Any]) -> Run:
    import wandb

    # The console stays ours: W&B neither prints, not even before a run exists, nor copies the progress bar.
    settings = wandb.Settings(silent=True, console="off", init_timeout=CONNECT_SECONDS)
    if hasattr(settings, FLUSH_SETTING):  # Newer versions hold rows back for 15 s, which a kill would lose.
        setattr(settings, FLUSH_SETTING, FLUSH_SECONDS)
    wandb.setup(settings=settings)
    run = wandb.init(project=PROJECT, mode=mode, resume="allow", reinit="create_new", settings=settings, **start)
    run.define_metric("*", step_metric="global_step")
    return run


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


class WandbTracker:
    """A W&B run that takes metrics by global step; what goes wrong there is said once and does not stop the run.

    After a kill a run repeats the steps since its checkpoint. The server has them already and refuses to go back, so
    steps that lie behind are left out.

    Args:
        run: As `wandb.init` returns it.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._next_step = run.step
        self._failed = False
        self.run_id: str | None = run.id

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        if step < self._next_step:
            return
        self._next_step = step
        self._attempt(lambda: self._run.log({**values, "global_step": step}, step=step))

    def finish(self, exit_code: int) -> None:
        self._attempt(lambda: self._run.finish(exit_code=exit_code))

    def _attempt(self, call: Callable[[], object]) -> None:
        try:
            call()
        except Exception as error:
            if not self._failed:
                logger.warning(
                    "W&B failed (%s): the run goes on; its metrics are in metrics.jsonl.", _first_line(error)
                )
            self._failed = True
