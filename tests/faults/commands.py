"""Runs as they are typed, in processes of their own, and what is left of them."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from plastic_rl.runs import RunFolder, read_metrics

ROOT = Path(__file__).parents[2]
CLOCKS = ("t", "t_start", "episode_times")
OFTEN = ("track=off", "checkpoint_seconds=0.001")
WORLD = (
    *("agent=ppo_cbp", "env=permuted-cartpole", "env.n_envs=4", "total_steps=12_288", "env.change_every=1_500"),
    *("agent.rollout_steps=512", "agent.epochs=2", "agent.hidden_units=16"),
    *("agent.maturity_threshold=4", "agent.replacement_rate=0.01"),
)
STREAM = (
    *("agent=sgd_cbp", "env=permuted-digits", "env.tasks=8", "env.batch_size=4", "seeds=2"),
    *("agent.hidden_units=20", "agent.replacement_rate=1e-2", "agent.maturity_threshold=50"),
)


def start(out: Path, words: tuple[str, ...], **options: Any) -> subprocess.Popen[str]:
    """Start a run, its output kept."""
    command = [sys.executable, str(ROOT / "train.py"), f"out={out}", *OFTEN, *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=environment, **{**pipes, **options})


def finish(out: Path, words: tuple[str, ...], **options: Any) -> tuple[int, str]:
    """Run to the end; return the exit code and what was said on standard error."""
    process = start(out, words, **options)
    error = process.communicate(timeout=240)[1]
    return process.returncode, error or ""


def stopped(out: Path, words: tuple[str, ...], number: int, draw: random.Random, longest: float) -> int:
    """Run, send a signal after a random time, and return the exit code."""
    with start(out, words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(draw.uniform(0.2, longest))
        process.send_signal(number)
        return process.wait(60)


def folder_of(out: Path) -> RunFolder:
    """The one run below a folder."""
    (record,) = out.glob("*/*/*/run.json")
    return RunFolder(record.parent)


def told_in_two_lines(error: str) -> bool:
    """Whether the last thing that was said is a message, and not a traceback."""
    lines = [line for line in error.splitlines() if line.strip()]
    return bool(lines) and "Traceback" not in error and "debug=true" not in error


def what_is_left(out: Path, *left_out: str) -> dict[str, Any]:
    """All that a finished run must have in common with another: metrics but for times, the last checkpoint, tasks."""
    folder = folder_of(out)
    assert folder.status == "finished"
    lines = [
        {name: value for name, value in line.items() if not name.startswith("time/")}
        for line in read_metrics(folder.metrics_file)
    ]
    latest = folder.checkpoints.latest()
    assert latest is not None
    step, state = latest
    kept = {name: value for name, value in state.items() if name not in ("metrics", "tracker")}
    tasks = folder.tasks_file.read_text() if folder.tasks_file.exists() else ""
    assert folder.picture_file.read_bytes()[:4] == b"\x89PNG"
    assert json.loads(folder.record_file.read_text())["error"] is None
    return {"lines": lines, "step": step, "state": without(kept, *CLOCKS, *left_out), "tasks": tasks}


def without(state: Any, *names: str) -> Any:
    """A state without what goes by some names, such as the times by the clock on the wall, which Monitor keeps."""
    if isinstance(state, dict):
        return {name: without(value, *names) for name, value in state.items() if name not in names}
    return type(state)(without(each, *names) for each in state) if isinstance(state, list | tuple) else state


def are_equal(first: Any, second: Any) -> bool:
    """Whether two nests of dicts, lists, tensors and plain values are the same, bit for bit."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(are_equal(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(are_equal(*pair) for pair in zip(first, second, strict=True))
    return torch.equal(first, second) if isinstance(first, torch.Tensor) else first == second
