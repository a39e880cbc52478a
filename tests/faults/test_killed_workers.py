"""Sweeps whose workers, or who themselves, are killed or told to stop."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from plastic_rl.runs import RunFolder
from tests.faults.commands import WORLD, are_equal, finish, start, what_is_left

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SEEDS = (0, 1, 2)
SWEEP = ("-m", *WORLD, "seed=range(3)", "jobs=2")


def folders(out: Path) -> dict[int, RunFolder]:
    """The runs below a folder by their seeds."""
    return {
        int(path.parent.name.rpartition("-s")[2]): RunFolder(path.parent) for path in out.glob("*/*/*/metrics.jsonl")
    }


def training(out: Path, process: subprocess.Popen, count: int = 1) -> dict[int, int]:
    """The process of each run, by its seed, as soon as so many have learned something and been saved."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        on = {
            seed: int(folder.lock_file.read_text().split()[1])
            for seed, folder in folders(out).items()
            if folder.status == "interrupted" and len(list(folder.checkpoints.directory.glob("step-*.pt"))) > 1
        }
        if len(on) >= count:
            return on
        time.sleep(0.02)
    raise AssertionError("nothing was trained")


def is_on(process: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        return "Z (zombie)" not in Path(f"/proc/{process}/status").read_text()
    return False


def gone(process: int, seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while is_on(process) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_on(process)


def test_a_killed_worker_is_tried_again_and_all_end_as_if_alone(tmp_path: Path, counted):
    process = start(tmp_path / "sweep", SWEEP)
    seed, worker = next(iter(training(tmp_path / "sweep", process).items()))
    os.kill(worker, signal.SIGKILL)
    out, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    assert f"seed={seed}: its process was killed by SIGKILL; tried again from its last checkpoint" in out
    assert "return over 12,288 environment steps" in out
    assert (tmp_path / "sweep/permuted-cartpole/comparison.png").is_file()
    for each in SEEDS:
        alone = tmp_path / str(each)
        assert finish(alone, (*WORLD, f"seed={each}"))[0] == 0
        swept = tmp_path / f"of-{each}"
        (swept / "a" / "b").mkdir(parents=True)
        (swept / "a" / "b" / "c").symlink_to(folders(tmp_path / "sweep")[each].path)
        assert are_equal(what_is_left(swept), what_is_left(alone))
    resumed = json.loads(folders(tmp_path / "sweep")[seed].record_file.read_text())["resumes"]
    assert resumed == 1
    counted("worker of a sweep killed", runs=len(SEEDS), resumed=resumed, equal="bit for bit, 3 of 3")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_sweep_stops_cleanly_and_goes_on(tmp_path: Path, number: signal.Signals, counted):
    long = (*SWEEP, "total_steps=40_960")
    process = start(tmp_path, long, start_new_session=True)
    workers = training(tmp_path, process, 2)
    os.killpg(process.pid, number)  # as a terminal does: to all of the group
    error = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number, error
    assert error.count("Stopping at the next safe point") == 1
    assert "of 3 runs are finished; the same command goes on with the others" in error
    assert "Traceback" not in error
    assert not any(is_on(worker) for worker in workers.values())
    assert {folder.status for folder in folders(tmp_path).values()} == {"interrupted"}
    code, error = finish(tmp_path, long)
    assert code == 0, error
    assert {folder.status for folder in folders(tmp_path).values()} == {"finished"}
    counted(f"{number.name} to a sweep", exit_code=128 + number, workers_left=0)


def test_workers_whose_sweep_is_killed_stop_with_a_checkpoint(tmp_path: Path, counted):
    process = start(tmp_path, (*SWEEP, "total_steps=400_000"))
    workers = training(tmp_path, process, 2)
    process.kill()
    process.communicate(timeout=60)
    assert all(gone(worker) for worker in workers.values())
    assert [folder.status for folder in folders(tmp_path).values()] == ["interrupted"] * len(workers)
    counted("sweep killed", workers_left=0)


def test_a_terminal_has_a_bar_for_each_run_and_one_for_all(tmp_path: Path):
    master, slave = pty.openpty()
    process = start(tmp_path, SWEEP, stdout=slave, stderr=slave, stdin=slave, text=False)
    os.close(slave)
    shown = b""
    with suppress(OSError):  # the end of a terminal
        while part := os.read(master, 4096):
            shown += part
    assert process.wait(60) == 0
    for words in (b"seed=1", "━".encode(), b"of 3 runs ended", b"12,288 steps, task", b"[3/3] seed="):
        assert words in shown, words
