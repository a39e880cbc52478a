"""Tracking with the real W&B, offline: what is recorded, resumed, refused, and survived."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from plastic_rl.errors import UserError
from plastic_rl.runs import NoTracker, Track, Tracker, open_tracker, tracking
from plastic_rl.runs.tracking import WandbTracker
from plastic_rl.runs.wandb_key import has_key

KILLED_AND_RESUMED = """
import random, sys
from pathlib import Path
from plastic_rl.runs import Track, open_tracker

folder, run_id, steps = Path(sys.argv[1]), sys.argv[2] or None, range(int(sys.argv[3]), int(sys.argv[4]), 10)
before = random.getstate()
tracker = open_tracker(
    Track.offline, folder=folder, run_id=run_id, name="ppo s3", group="ppo", config={"agent": {"lr": 1e-4}}
)
for step in steps:
    tracker.log(step, {"episode/return": step / 2})
    tracker.log(step, {"loss/value": 0.5})
tracker.finish(0)
assert random.getstate() == before, "tracking must not change what the run draws"
print(tracker.run_id)
"""


@pytest.fixture(autouse=True)
def _nobody_is_logged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for variable in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", "WANDB_BASE_URL", "WANDB_MODE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


def track_in_a_process(folder: Path, run_id: str, first: int, last: int) -> str:
    command = [sys.executable, "-c", KILLED_AND_RESUMED, str(folder), run_id, str(first), str(last)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == "", "W&B is silent"
    return done.stdout.strip()


def records(folder: Path) -> list[list[dict[str, Any]]]:
    """What each offline W&B folder under `folder` holds, oldest first, as W&B itself reads it back."""
    wandb = str(Path(sys.executable).with_name("wandb"))
    logs = sorted((folder / "wandb").glob("offline-run-*/run-*.wandb"), key=lambda path: path.stat().st_mtime_ns)
    command = [wandb, "leet", "inspect", "--json"]
    texts = [subprocess.run([*command, log], capture_output=True, text=True, check=True).stdout for log in logs]
    return [[json.loads(line) for line in text.splitlines()] for text in texts]


def of_type(kind: str, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line[kind] for line in lines if line["type"] == kind]


def test_an_offline_run_and_its_resumption_are_one_run(tmp_path: Path):
    run_id = track_in_a_process(tmp_path, "", 0, 30)
    assert track_in_a_process(tmp_path, run_id, 30, 50) == run_id
    parts = records(tmp_path)
    assert len(parts) == 2
    for part, steps in zip(parts, ([0, 10, 20], [30, 40]), strict=True):
        run = of_type("run", part)[0]
        assert (run["run_id"], run["display_name"], run["run_group"]) == (run_id, "ppo s3", "ppo")
        assert (run["project"], run["config"]["update"]["agent"]) == ("plastic_rl", {"lr": 1e-4})
        history = [line["item"] for line in of_type("history", part)]
        assert [(line["_step"], line["global_step"], line["episode/return"]) for line in history] == [
            (step, step, step / 2) for step in steps
        ]
        assert all(line["loss/value"] == 0.5 for line in history)
        assert {"glob_name": "*", "step_metric": "global_step"}.items() <= of_type("metric", part)[-1].items()


def start(track: Track, folder: Path) -> Tracker:
    return open_tracker(track, folder=folder, run_id=None, name="n", group="g", config={})


def test_off_is_nothing(tmp_path: Path):
    tracker = start(Track.off, tmp_path)
    tracker.log(1, {"a": 1})
    tracker.finish(0)
    assert isinstance(tracker, NoTracker)
    assert tracker.run_id is None
    assert list(tmp_path.iterdir()) == []


def test_online_without_a_key_says_what_to_do(tmp_path: Path):
    with pytest.raises(UserError, match=r"track=online needs a key .*wandb login.*WANDB_API_KEY.*track=offline"):
        start(Track.online, tmp_path)


class FakeRun:
    """A W&B run that fails on demand and remembers what it was given."""

    def __init__(self, step: int = 0, error: Exception | None = None) -> None:
        self.id, self.step, self.error = "abc", step, error
        self.logged: list[tuple[int, dict[str, Any]]] = []

    def log(self, values: dict[str, Any], step: int) -> None:
        if self.error:
            raise self.error
        self.logged.append((step, values))

    def finish(self, exit_code: int) -> None:
        if self.error:
            raise self.error


@pytest.fixture
def modes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modes in which W&B is started; nothing is."""
    started: list[str] = []

    def remember(mode: str, arguments: Mapping[str, Any]) -> FakeRun:
        started.append(mode)
        return FakeRun()

    monkeypatch.setattr(tracking, "_start", remember)
    return started


def test_auto_without_a_key_is_offline_and_says_so(tmp_path: Path, modes: list[str], caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    start(Track.auto, tmp_path)
    assert modes == ["offline"]
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("W&B is offline: no key")


def test_auto_with_a_key_is_online_and_says_so(
    tmp_path: Path, modes: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    start(Track.auto, tmp_path)
    assert caplog.messages == ["W&B is online: a key was found."]
    monkeypatch.setenv("WANDB_MODE", "offline")
    start(Track.auto, tmp_path)
    assert modes == ["online", "offline"]


def test_a_key_in_netrc_counts_for_its_server_only(monkeypatch: pytest.MonkeyPatch):
    netrc = Path(os.environ["NETRC"])
    assert not has_key()
    netrc.write_text("machine github.com\n  login user\n  password secret\n")
    assert not has_key()
    netrc.write_text("machine api.wandb.ai\n  login user\n  password secret\n")
    assert has_key()
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.example.org")
    assert not has_key()
    netrc.write_text("machine wandb.example.org\n  login user\n  password secret\n")
    assert has_key()
    netrc.write_text("this is no netrc file")
    assert not has_key()


def failing(modes: tuple[str, ...]):
    def start_or_fail(mode: str, arguments: Mapping[str, Any]) -> FakeRun:
        if mode in modes:
            raise RuntimeError("context deadline exceeded\nsecond line")
        return FakeRun()

    return start_or_fail


def test_a_server_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    monkeypatch.setattr(tracking, "_start", failing(("online",)))
    with pytest.raises(
        UserError, match=r"W&B does not start \(RuntimeError: context deadline exceeded\)\. track=offline"
    ):
        start(Track.online, tmp_path)
    assert isinstance(start(Track.auto, tmp_path), WandbTracker)
    assert caplog.messages[-1].endswith("offline instead.")
    monkeypatch.setattr(tracking, "_start", failing(("online", "offline")))
    assert isinstance(start(Track.auto, tmp_path), NoTracker)
    assert caplog.messages[-1].endswith("the run goes on without it.")


def test_a_failure_in_mid_run_is_said_once_and_survived(caplog: pytest.LogCaptureFixture):
    tracker = WandbTracker(FakeRun(error=RuntimeError("service died")))
    for step in range(3):
        tracker.log(step, {"a": 1})
    tracker.finish(1)
    assert caplog.messages == [
        "W&B failed (RuntimeError: service died): the run goes on; its metrics are in metrics.jsonl."
    ]


def test_steps_that_the_server_has_are_left_out():
    run = FakeRun(step=25)
    tracker = WandbTracker(run)
    for step in (10, 20, 30, 30, 40):
        tracker.log(step, {"a": step})
    assert run.logged == [(step, {"a": step, "global_step": step}) for step in (30, 30, 40)]
