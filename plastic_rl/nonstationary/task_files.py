"""Sequences of tasks as files, to be looked at, published and gone through again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import gymnasium

from plastic_rl.nonstationary.changes import Parameters


def write_tasks(env: gymnasium.Env, path: str | Path, count: int) -> None:
    """Writes the first ``count`` tasks of ``env``, which is or wraps a ``Nonstationary``, one JSON object a line."""
    parameters = env.get_wrapper_attr("parameters")
    save_tasks([parameters(index) for index in range(count)], path)


def save_tasks(tasks: Iterable[Parameters], path: str | Path) -> None:
    """Writes tasks, one JSON object a line."""
    Path(path).write_text("".join(json.dumps(task) + "\n" for task in tasks))


def read_tasks(path: str | Path) -> list[Parameters]:
    """The tasks in a file, for ``Nonstationary(..., tasks=read_tasks(path))``.

    Raises:
        ValueError: A line is no task; the message says which.
    """
    lines = [line for line in Path(path).read_text().splitlines() if line.strip()]
    return [_task(line, f"{path}, line {number}") for number, line in enumerate(lines, start=1)]


def _task(line: str, place: str) -> Parameters:
    try:
        task = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"{place} is no JSON object ({error.msg}): {line[:60]}") from error
    if not isinstance(task, dict) or "index" not in task:
        raise ValueError(f'{place} is no task, which looks like {{"index": 0, ...}}: {line[:60]}')
    return task
