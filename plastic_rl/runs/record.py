"""run.json: how a run stands, how long it took, and what it ran on."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from plastic_rl.errors import RunError
from plastic_rl.runs import provenance
from plastic_rl.runs.atomic import write_atomically

logger = logging.getLogger(__name__)

Outcome = Literal["interrupted", "failed", "finished"]


class RunRecord:
    """The record of a run, rewritten whole at each change; its seconds add up over resumes.

    Args:
        path: Where run.json lies.

    Example:
        >>> record = RunRecord(folder.record_file)
        >>> record.start(step=0)
        >>> record.update(step=2048)  # with each checkpoint
        >>> record.end("finished", step=4096)
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._fields: dict[str, Any] = {}
        self._seconds_before = 0.0
        self._clock = time.monotonic()

    def start(self, step: int) -> None:
        """Say that the run is running, from `step` on: 0 starts over, above 0 goes on with the recorded seconds.

        Args:
            step: Global step of the checkpoint that the run goes on from, else 0.

        Raises:
            RunError: The file cannot be written.
        """
        before = read_record(self.path) if step > 0 else {}
        self._seconds_before = float(_number(before, "seconds", 0.0))
        self._clock = time.monotonic()
        origin = _origin()
        if before:
            _say_what_changed(before, origin)
        self._fields = {
            "status": "running",
            "started": before.get("started") or _now(),
            "ended": None,
            **self._pace(step),
            "resumes": int(_number(before, "resumes", -1)) + 1,
            **origin,
            "error": None,
            "history": [*_history(before), {"from_step": step, "started": _now(), **origin}],
        }
        try:
            self._write()
        except OSError as error:
            raise RunError(f"Cannot write {self.path}: {error.strerror or error}.") from error

    def update(self, step: int) -> None:
        """Record how far the run is; meant for each checkpoint, so that a kill loses no more time than steps.

        Args:
            step: Global step so far.
        """
        self._fields.update(self._pace(step))
        self._try_write()

    def end(self, outcome: Outcome, step: int, error: str | None = None) -> None:
        """Record how the run ended. A disk that does not take it gives a warning, so that the cause itself is heard.

        Args:
            outcome: What became of the run.
            step: Global step at the end.
            error: The message, if it failed.
        """
        self._fields.update(self._pace(step), status=outcome, ended=_now(), error=error)
        self._try_write()

    def _pace(self, step: int) -> dict[str, float]:
        seconds = self._seconds_before + time.monotonic() - self._clock
        pace = step / seconds if seconds > 0 else 0.0
        return {"seconds": round(seconds, 3), "global_step": step, "steps_per_second": round(pace, 1)}

    def _try_write(self) -> None:
        try:
            self._write()
        except OSError as error:
            logger.warning("Cannot write %s: %s.", self.path, error.strerror or error)

    def _write(self) -> None:
        text = json.dumps(self._fields, indent=2) + "\n"
        write_atomically(self.path, lambda file: file.write(text.encode()))


def read_record(path: Path) -> dict[str, Any]:
    """The fields of a run.json; empty where there is none, or where it is no JSON object.

    Args:
        path: Where run.json lies.
    """
    try:
        fields = json.loads(Path(path).read_bytes())
    except (OSError, ValueError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _origin() -> dict[str, Any]:
    """The versions and the machine of this process."""
    return {
        "versions": provenance.versions(),
        **provenance.commit(),
        "machine": provenance.machine(),
        "command": provenance.command(),
    }


def _history(before: Mapping[str, Any]) -> list[Any]:
    """The versions and machines of the processes before this one; a record without a history knows the last."""
    history = before.get("history")
    if isinstance(history, list):
        return history
    known = ("started", "versions", "commit", "dirty", "machine", "command")
    return [{"from_step": None, **{name: before.get(name) for name in known}}] if before else []


def _say_what_changed(before: Mapping[str, Any], origin: Mapping[str, Any]) -> None:
    past = before.get("versions")
    past = {**past, "commit": _short(before.get("commit"))} if isinstance(past, dict) else {}
    now = {**origin["versions"], "commit": _short(origin["commit"])}
    changed = [f"{name} {past[name]} -> {now[name]}" for name in now if name in past and past[name] != now[name]]
    if changed:
        logger.warning("Going on with other versions than before, so that it may not be exact: %s.", ", ".join(changed))


def _short(commit: str | None) -> str | None:
    return commit[:10] if commit else commit


def _number(fields: Mapping[str, Any], name: str, otherwise: int | float) -> int | float:
    value = fields.get(name, otherwise)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    logger.warning("run.json does not say the run's %s (%r): counting from here on.", name, value)
    return otherwise


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
