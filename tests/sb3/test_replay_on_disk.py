"""Runs with a replay buffer beside their checkpoints: damaged, gone, too large for the disk, or not kept at all."""

from __future__ import annotations

import os
import shutil
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import gymnasium
import pytest
from resuming import CutDown, is_same, left_by, made
from sb3_contrib import ARS
from stable_baselines3 import DQN

from plastic_rl.errors import RunError, UserError
from plastic_rl.runs import RunFolder
from plastic_rl.sb3 import instruments, keeper, train_model
from plastic_rl.sb3.network_metrics import NetworkMetrics
from plastic_rl.sb3.replay import replay_log

STEPS = 30


def make(**options: Any) -> DQN:
    world = partial(gymnasium.make, "CartPole-v1")
    settings = {"learning_starts": 4, "batch_size": 4, "buffer_size": 8, "train_freq": 1, "plasticity": None}
    return made(DQN, world, **{**settings, **options})


class NothingMeasured(NetworkMetrics):
    """In place of the metrics of networks, most of whose time goes into finding layers."""

    def __init__(self, model: Any, samples: int | None = None) -> None:
        self.model, self.samples, self.slots, self.layers, self.kinds = model, samples, [], [], {}

    def measure(self, **settings: Any) -> dict[str, int | float]:
        return {}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_log, "FILE_BYTES", 1)
    monkeypatch.setattr(keeper, "PAUSE", 3)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr(instruments, "NetworkMetrics", NothingMeasured)
    monkeypatch.setattr(import_module("plastic_rl.sb3.train_model"), "draw_learning_curve", lambda *arguments: None)


@pytest.fixture
def cut(tmp_path: Path) -> RunFolder:
    """The folder of a run that ended at its 20th step, its buffer full and overwritten; checkpoints at 15 and 18."""
    with pytest.raises(CutDown):
        left_by(tmp_path / "cut", make, STEPS, 20)
    folder = RunFolder(tmp_path / "cut")
    assert folder.checkpoints.steps() == [15, 18]
    return folder


def damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def rows(folder: RunFolder) -> list[Path]:
    return sorted(folder.replay_folder.iterdir())


def whole(path: Path) -> dict[str, Any]:
    return left_by(path / "whole", make, STEPS)


def test_rows_that_no_checkpoint_counts_are_gone(cut: RunFolder):
    assert [int(file.stem.partition("-")[2]) for file in rows(cut)] == list(range(15 - 8, 18))


def test_the_checkpoint_before_the_last_can_be_gone_back_to(cut: RunFolder, tmp_path: Path):
    damage(cut.checkpoints.path(18))
    assert is_same(left_by(cut.path, make, STEPS), whole(tmp_path))


def test_damaged_rows_are_a_damaged_checkpoint(cut: RunFolder, tmp_path: Path, caplog):
    damage(rows(cut)[-1])  # row 17, which the checkpoint before does not count
    assert is_same(left_by(cut.path, make, STEPS), whole(tmp_path))
    assert "rows-000000000017.npy is damaged or gone" in caplog.text


def test_rows_that_are_gone_are_not_made_up_for(cut: RunFolder):
    shutil.rmtree(cut.replay_folder)
    with pytest.raises(RunError, match=r"None of the 2 checkpoints .* gone \(replay_on_disk=false goes on without"):
        left_by(cut.path, make, STEPS)


def test_a_run_without_them_goes_on_with_an_empty_buffer_and_says_so(cut: RunFolder, caplog):
    shutil.rmtree(cut.replay_folder)
    left = left_by(cut.path, make, STEPS, replay_on_disk=False)
    assert "replay_on_disk=false: a run that is stopped goes on with an empty replay buffer" in caplog.text
    assert "it is empty at step 18, and 4 steps with random actions fill it" in caplog.text
    assert left["state"]["step"] == STEPS
    assert left["buffer"]["pos"] == (STEPS - 18) % 8
    assert not cut.replay_folder.exists()


def test_a_run_whose_buffer_was_not_kept_may_keep_it_from_then_on(tmp_path: Path, caplog):
    for dies_at, kept in ((12, False), (22, True)):
        with pytest.raises(CutDown):
            left_by(tmp_path / "run", make, STEPS, dies_at, replay_on_disk=kept)
    assert caplog.text.count("The replay buffer was not kept: it is empty at step 9") == 1
    left_by(tmp_path / "run", make, STEPS)
    assert caplog.text.count("The replay buffer was not kept") == 1


def test_a_finished_run_needs_no_buffer_and_a_longer_one_does(tmp_path: Path):
    finished = whole(tmp_path)
    shutil.rmtree(tmp_path / "whole" / "replay")
    (tmp_path / "whole" / "model.zip").unlink()
    assert is_same({**left_by(tmp_path / "whole", make, STEPS), "buffer": {}}, {**finished, "buffer": {}})
    assert (tmp_path / "whole" / "model.zip").exists()
    with pytest.raises(RunError, match="replay_on_disk"):
        left_by(tmp_path / "whole", make, STEPS + 6)


def test_a_disk_that_is_too_small_is_refused_before_any_work(tmp_path: Path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=100))
    with pytest.raises(UserError, match=r"the replay buffer takes up to .* where 100 B are free"):
        train_model(make(), STEPS, RunFolder(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_an_algorithm_that_cannot_be_saved_is_refused(tmp_path: Path):
    with pytest.raises(UserError, match="ARS has neither rollouts nor a replay buffer"):
        train_model(ARS("LinearPolicy", "CartPole-v1"), STEPS, RunFolder(tmp_path / "run"))


def test_the_size_is_said_before_the_run(tmp_path: Path, caplog):
    caplog.set_level("INFO", logger="plastic_rl")
    left_by(tmp_path / "run", make, 3)
    row = 2 * 4 * 4 + 8 + 3 * 4
    assert f"The replay buffer takes up to {3 * row} B in {tmp_path / 'run' / 'replay'}" in caplog.text


def test_a_checkpoint_comes_early_where_many_rows_are_new(tmp_path: Path, monkeypatch):
    steps: list[int] = []
    save = keeper.ModelKeeper.state_dict
    monkeypatch.setattr(keeper.ModelKeeper, "state_dict", lambda self: steps.append(self.step) or save(self))
    train_model(make(), STEPS, RunFolder(tmp_path / "run"), checkpoint_seconds=1e9)
    assert steps == [0, 6, 12, 18, 24, 30]  # four rows, and the next pause
