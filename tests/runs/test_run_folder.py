"""The run's folder: its names, its status, its lock, and what it refuses."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from plastic_rl.errors import UserError
from plastic_rl.runs import RunFolder, RunRecord, settings_digest

HOLD_THE_LOCK = """
import sys, time
from pathlib import Path
from plastic_rl.runs import RunFolder
folder = RunFolder(Path(sys.argv[1]))
folder.prepare(fresh=False)
print("locked", flush=True)
time.sleep(60)
"""


def test_names(tmp_path: Path):
    folder = RunFolder(tmp_path)
    found = [folder.config_file, folder.metrics_file, folder.record_file, folder.picture_file]
    assert [path.name for path in found] == ["config.yaml", "metrics.jsonl", "run.json", "learning_curve.png"]
    assert folder.checkpoints.directory == tmp_path / "checkpoints"


def test_status_follows_the_record(tmp_path: Path):
    folder, record = RunFolder(tmp_path), RunRecord(tmp_path / "run.json")
    assert folder.status == "new"
    record.start(0)
    assert folder.status == "interrupted"  # as a process killed now would leave it
    for outcome in ("interrupted", "failed", "finished"):
        record.end(outcome, 5)
        assert folder.status == outcome
    folder.record_file.write_text("{ torn")
    assert folder.status == "interrupted"


def test_prepare_makes_the_folder_and_may_be_called_twice(tmp_path: Path):
    folder = RunFolder(tmp_path / "a" / "b")
    folder.prepare(fresh=False)
    folder.prepare(fresh=True)
    assert (tmp_path / "a" / "b").is_dir()
    folder.release()
    folder.release()


def fill(folder: RunFolder) -> None:
    folder.prepare(fresh=False)
    RunRecord(folder.record_file).start(0)
    folder.checkpoints.save(1, {"a": 1})
    (folder.path / "wandb" / "offline-run-1").mkdir(parents=True)
    for file in (folder.metrics_file, folder.config_file, folder.picture_file, folder.path / "notes.txt"):
        file.write_text("x")
    (folder.checkpoints.directory / "mine.pt").touch()


def test_fresh_removes_what_a_run_writes_and_nothing_else(tmp_path: Path):
    folder = RunFolder(tmp_path)
    fill(folder)
    folder.prepare(fresh=True)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["checkpoints/mine.pt", "notes.txt", "run.lock"]
    assert folder.status == "new"


def test_not_fresh_removes_nothing(tmp_path: Path):
    folder = RunFolder(tmp_path)
    fill(folder)
    before = sorted(tmp_path.rglob("*"))
    folder.prepare(fresh=False)
    assert sorted(tmp_path.rglob("*")) == before


LOGS = ["progress.csv", "progress-from-512.csv", "events.out.tfevents.17.host.1", "log-from-64.txt", "progress.json"]


def test_fresh_removes_what_stable_baselines_logged_under_whatever_suffix(tmp_path: Path):
    folder = RunFolder(tmp_path)
    fill(folder)
    for name in (*LOGS, "progress-report.csv", "logbook.txt"):
        (tmp_path / name).touch()
    folder.prepare(fresh=True)
    left = sorted(path.name for path in tmp_path.iterdir() if path.is_file())
    assert left == ["logbook.txt", "notes.txt", "progress-report.csv", "run.lock"]


def test_logs_alone_make_no_run(tmp_path: Path):
    (tmp_path / "events.out.tfevents.17.host.1").touch()
    with pytest.raises(UserError, match=r"holds events.out.tfevents.17.host.1 but no run.json"):
        RunFolder(tmp_path).prepare(fresh=True)


@pytest.mark.parametrize("fresh", [True, False])
def test_a_folder_of_another_program_is_left_alone(tmp_path: Path, fresh: bool):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "thesis.pt").touch()
    with pytest.raises(UserError, match=r"holds checkpoints but no run.json: it is not the folder of a run"):
        RunFolder(tmp_path).prepare(fresh)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoints"]


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_file_in_the_way_is_named(tmp_path: Path, place: str):
    (tmp_path / "file").touch()
    with pytest.raises(
        UserError, match=rf"Cannot write the run folder .*{place}: (File exists|Not a directory)\. .*out="
    ):
        RunFolder(tmp_path / place).prepare(fresh=False)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system that nobody can write to")
def test_an_unwritable_folder_is_named():
    with pytest.raises(UserError, match=r"Cannot write the run folder /proc/plastic_rl: .*out="):
        RunFolder(Path("/proc/plastic_rl")).prepare(fresh=False)


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"Cannot write the run folder .*: No space left on device\. .*out="):
        RunFolder(tmp_path).prepare(fresh=False)


def test_two_processes_do_not_share_a_folder(tmp_path: Path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD_THE_LOCK, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(UserError, match=rf"Another process \(pid {holder.pid} on .*\) is running {tmp_path}"):
            RunFolder(tmp_path).prepare(fresh=True)
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
    RunFolder(tmp_path).prepare(fresh=False)
    assert f"pid {os.getpid()} on" in (tmp_path / "run.lock").read_text()


def test_the_lock_ends_with_release_and_with_the_object(tmp_path: Path):
    first = RunFolder(tmp_path)
    first.prepare(fresh=False)
    with pytest.raises(UserError, match="Another process"):
        RunFolder(tmp_path).prepare(fresh=False)
    first.release()
    second = RunFolder(tmp_path)
    second.prepare(fresh=False)
    del second
    RunFolder(tmp_path).prepare(fresh=False)


def test_a_file_system_without_locks_gives_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def no_locks(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    RunFolder(tmp_path).prepare(fresh=False)
    assert "has no locks: start this run only once" in caplog.text


def test_the_digest_is_that_of_sorted_json():
    # sha256 of {"agent":{"lr":0.0001,"units":[256,256]},"clip":null}, by sha256sum
    settings = {"clip": None, "agent": {"units": (256, 256), "lr": 1e-4}}
    assert settings_digest(settings) == "4bba17da40"
    assert settings_digest({"agent": {"lr": 1e-4, "units": [256, 256]}, "clip": None}) == "4bba17da40"
    assert settings_digest({"agent": {"lr": 2e-4, "units": [256, 256]}, "clip": None}) != "4bba17da40"


def test_the_digest_refuses_what_has_no_stable_text():
    with pytest.raises(TypeError, match="settings hold a object"):
        settings_digest({"a": object()})


def test_reading_a_run_needs_nothing_heavy():
    code = "import plastic_rl.runs, sys, json; print(json.dumps([*sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "numpy", "rich", "wandb", "stable_baselines3", "hydra", "matplotlib"}
    assert heavy.isdisjoint(json.loads(done.stdout))
