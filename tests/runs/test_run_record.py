"""run.json: what it says, over resumes and failures."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import torch

import plastic_rl
from plastic_rl.errors import RunError
from plastic_rl.runs import RunRecord, provenance, read_record


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("plastic_rl.runs.record.time.monotonic", lambda: now[0])
    return now


def test_seconds_add_up_over_resumes_and_a_kill_loses_seconds_with_its_steps(tmp_path: Path, clock: list[float]):
    path = tmp_path / "run.json"
    first = RunRecord(path)
    first.start(0)
    assert read_record(path)["status"] == "running"
    clock[0] += 10
    first.update(1000)  # a checkpoint; then killed
    clock[0] += 500
    second = RunRecord(path)
    second.start(1000)
    clock[0] += 30
    second.end("finished", 4000)
    found = read_record(path)
    assert (found["seconds"], found["global_step"], found["steps_per_second"]) == (40.0, 4000, 100.0)
    assert (found["status"], found["resumes"], found["error"]) == ("finished", 1, None)
    assert found["ended"] >= found["started"]


def test_from_step_zero_the_record_starts_over(tmp_path: Path, clock: list[float]):
    record = RunRecord(tmp_path / "run.json")
    record.start(0)
    clock[0] += 10
    record.end("failed", 5, error="NaN in the loss at step 5")
    assert read_record(record.path)["error"] == "NaN in the loss at step 5"
    record.start(0)
    found = read_record(record.path)
    assert (found["seconds"], found["resumes"], found["error"], found["ended"]) == (0.0, 0, None, None)


def test_it_says_what_it_ran_on(tmp_path: Path):
    record = RunRecord(tmp_path / "run.json")
    record.start(0)
    found = json.loads(record.path.read_text())
    assert found["versions"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert {"python", "stable_baselines3", "gymnasium", "mujoco", "numpy", "plastic_rl"} <= set(found["versions"])
    assert found["machine"]["cores"] >= 1
    assert found["machine"]["processor"]
    assert 0.1 < found["machine"]["memory_gib"] < 1e5
    assert found["command"].startswith("python ")


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit that plastic_rl seems to be imported from."""
    package = tmp_path / "plastic_rl" / "__init__.py"
    package.parent.mkdir()
    package.touch()
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "Start")
    monkeypatch.setattr(plastic_rl, "__file__", str(package))
    return tmp_path


def test_the_commit_of_a_clean_and_of_a_changed_checkout(checkout: Path):
    head = git(checkout, "rev-parse", "HEAD")
    assert provenance.commit() == {"commit": head, "dirty": False}
    (checkout / "new_recipe.py").touch()
    assert provenance.commit() == {"commit": head, "dirty": True}


def test_a_package_installed_inside_another_repository_has_no_commit(checkout: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(plastic_rl, "__file__", str(checkout / ".venv" / "plastic_rl" / "__init__.py"))
    assert provenance.commit() == {"commit": None, "dirty": None}


def test_a_machine_without_git_has_no_commit(checkout: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", os.devnull)
    assert provenance.commit() == {"commit": None, "dirty": None}


def test_a_library_that_is_missing_has_no_version(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(provenance, "PACKAGES", ("no_such_library",))
    assert provenance.versions()["no_such_library"] is None


def test_a_record_that_cannot_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    record = RunRecord(tmp_path / "run.json")
    record.start(0)
    before = record.path.read_bytes()
    (tmp_path / "run.json.partial").mkdir()  # nothing can be written under that name now
    record.end("failed", 3, error="the cause")
    assert "Cannot write" in caplog.text
    assert record.path.read_bytes() == before
    with pytest.raises(RunError, match=r"Cannot write .*run\.json"):
        RunRecord(tmp_path / "run.json").start(0)


def test_no_record_reads_as_empty(tmp_path: Path):
    assert read_record(tmp_path / "run.json") == {}
    (tmp_path / "run.json").write_text("[1]")
    assert read_record(tmp_path / "run.json") == {}


def test_versions_are_appended_and_a_change_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    path, versions = tmp_path / "run.json", provenance.versions()
    monkeypatch.setattr(provenance, "commit", lambda: {"commit": "abc", "dirty": False})
    RunRecord(path).start(0)
    RunRecord(path).start(10)
    assert caplog.text == ""
    monkeypatch.setattr(provenance, "versions", lambda: {**versions, "torch": "9.9"})
    monkeypatch.setattr(provenance, "commit", lambda: {"commit": "def", "dirty": False})
    RunRecord(path).start(20)
    assert f"torch {versions['torch']} -> 9.9, commit abc -> def" in caplog.text
    found = read_record(path)
    assert [(each["from_step"], each["versions"]["torch"], each["commit"]) for each in found["history"]] == [
        (0, versions["torch"], "abc"), (10, versions["torch"], "abc"), (20, "9.9", "def"),
    ]  # fmt: skip
    assert (found["versions"]["torch"], found["commit"]) == ("9.9", "def")


def test_a_record_of_before_there_was_a_history_keeps_what_it_ran_on(tmp_path: Path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"status": "running", "seconds": 5.0, "versions": {"torch": "1.0"}, "commit": "abc"}))
    RunRecord(path).start(20)
    first, second = read_record(path)["history"]
    assert (first["from_step"], first["versions"], first["commit"]) == (None, {"torch": "1.0"}, "abc")
    assert second["from_step"] == 20


@pytest.mark.parametrize("rubbish", [None, "many", [1], True])
def test_a_record_with_rubbish_in_it_is_gone_on_with(tmp_path: Path, rubbish: object, caplog: pytest.LogCaptureFixture):
    path = tmp_path / "run.json"
    path.write_text(json.dumps(dict.fromkeys(("status", "started", "seconds", "resumes", "versions"), rubbish)))
    RunRecord(path).start(20)
    found = read_record(path)
    assert (found["status"], found["resumes"], found["seconds"]) == ("running", 0, pytest.approx(0, abs=1))
    assert f"does not say the run's seconds ({rubbish!r})" in caplog.text
    assert found["started"]
