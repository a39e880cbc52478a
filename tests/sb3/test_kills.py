"""Every algorithm in a process of its own that is killed (SIGKILL) at random moments, and goes on bit for bit."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from resuming import CLOCKS, are_equal, left_by, lines_of, without
from test_exact_resume import ALGORITHMS, MORE, VARIANTS

from plastic_rl.runs import RunFolder, read_record
from plastic_rl.sb3 import keeper
from plastic_rl.sb3.replay import replay_log

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
STEPS, KILLS = 60, 3
MAKERS = {**ALGORITHMS, **VARIANTS, **MORE}


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint every few steps, and a file for each row."""
    monkeypatch.setattr(replay_log, "FILE_BYTES", 1)
    monkeypatch.setattr(keeper, "PAUSE", 3)
    torch.set_num_threads(1)


def child(path: Path, make: Callable[..., Any]) -> int:
    """Trains in another process, and returns its number."""
    number = os.fork()
    if number == 0:
        try:
            left_by(path, make, STEPS)
        finally:
            os._exit(0)
    return number


def left_in(path: Path) -> tuple[Any, Any]:
    """All that a finished run must have in common with another."""
    folder = RunFolder(path)
    assert folder.status == "finished"
    found = folder.checkpoints.latest()
    assert found is not None
    return without(found[1], *CLOCKS, "python"), lines_of(path)


def killed_beyond(step: int, path: Path, make: Callable[..., Any], draw: random.Random) -> None:
    """Trains until there is a checkpoint of some step or later, and then for a moment more."""
    number = child(path, make)
    while max(RunFolder(path).checkpoints.steps(), default=0) < step and os.waitpid(number, os.WNOHANG) == (0, 0):
        time.sleep(0.002)
    time.sleep(draw.uniform(0.0, 0.02))  # a quick run on an idle machine would be over soon
    if RunFolder(path).status == "finished":  # one that has ended can be sent a signal until somebody waits for it
        pytest.fail(f"the run was over before it could be killed beyond step {step}")
    with suppress(ProcessLookupError, ChildProcessError):
        os.kill(number, signal.SIGKILL)
        os.waitpid(number, 0)


@pytest.mark.parametrize("name", MAKERS)
def test_a_run_that_is_killed_at_random_moments_goes_on_bit_for_bit(tmp_path: Path, name: str):
    draw, make, path = random.Random(1), MAKERS[name], tmp_path / "killed"
    os.waitpid(child(tmp_path / "whole", make), 0)
    for earliest in (1, STEPS // 6, STEPS // 3):
        killed_beyond(earliest + draw.randrange(5), path, make, draw)
    os.waitpid(child(path, make), 0)
    assert [part["from_step"] > 0 for part in read_record(RunFolder(path).record_file)["history"][1:]] == [True] * KILLS
    assert are_equal(left_in(path), left_in(tmp_path / "whole"))
