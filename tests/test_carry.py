"""Runs of a study in one file, from which they go on elsewhere."""

from pathlib import Path

import pytest

from experiments.carry import pack, unpack
from plastic_rl.errors import UserError
from plastic_rl.runs import RunFolder


def run(out: Path, name: str, metrics: str = "{}") -> Path:
    """A run folder with a record, a lock and metrics."""
    folder = out / "ppo" / "world" / "ppo" / name
    folder.mkdir(parents=True)
    (folder / "run.json").write_text('{"status": "interrupted"}')
    (folder / "run.lock").write_text("pid 1 on elsewhere\n")
    (folder / "metrics.jsonl").write_text(metrics)
    return folder


def test_runs_are_the_same_elsewhere_but_for_their_locks(tmp_path):
    for name in ("a-s0", "a-s1"):
        run(tmp_path / "here", name, name)
    assert pack(tmp_path / "here", tmp_path / "runs.tar.gz") == 2
    assert unpack(tmp_path / "runs.tar.gz", tmp_path / "there") == (2, [])
    carried = tmp_path / "there" / "ppo" / "world" / "ppo" / "a-s1"
    assert (carried / "metrics.jsonl").read_text() == "a-s1"
    assert RunFolder(carried).status == "interrupted"
    assert not (carried / "run.lock").exists()


def test_a_run_that_is_there_is_left_as_it_is(tmp_path):
    run(tmp_path / "here", "a-s0", "old")
    pack(tmp_path / "here", tmp_path / "runs.tar.gz")
    kept = run(tmp_path / "there", "a-s0", "further on")
    count, there = unpack(tmp_path / "runs.tar.gz", tmp_path / "there")
    assert (count, [folder.name for folder in there]) == (0, ["a-s0"])
    assert (kept / "metrics.jsonl").read_text() == "further on"


def test_a_run_under_way_is_not_packed(tmp_path):
    folder = RunFolder(run(tmp_path / "here", "a-s0"))
    folder.prepare(fresh=False)
    with pytest.raises(UserError, match="Another process"):
        pack(tmp_path / "here", tmp_path / "runs.tar.gz")
    assert not (tmp_path / "runs.tar.gz").exists()


def test_nothing_and_nonsense_are_refused(tmp_path):
    with pytest.raises(UserError, match="holds no runs"):
        pack(tmp_path, tmp_path / "runs.tar.gz")
    (tmp_path / "runs.tar.gz").write_text("nonsense")
    with pytest.raises(UserError, match="no archive of runs"):
        unpack(tmp_path / "runs.tar.gz", tmp_path / "there")
