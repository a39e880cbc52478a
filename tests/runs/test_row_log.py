"""Rows beside checkpoints: appended, never rewritten, forgotten from the front, checked before they are believed."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest

from plastic_rl.errors import RunError
from plastic_rl.runs.row_log import RowLog

ROW = np.dtype([("seen", "<f8", (2,)), ("paid", "<f4")])


def rows(start: int, stop: int, *, paid: float = 0.0) -> np.ndarray:
    made = np.zeros(stop - start, ROW)
    made["seen"] = np.arange(start, stop)[:, None]
    made["paid"] = paid
    return made


def log_in(path: Path, count: int = 0) -> RowLog:
    log = RowLog(path / "rows", ROW, rows_per_file=4)
    log.append(rows(0, count))
    log.sync()
    return log


def seen(log: RowLog, start: int) -> list[float]:
    return [float(row["seen"][0]) for _, part in log.read(start) for row in part]


def names(log: RowLog) -> list[str]:
    return sorted(path.name for path in log.directory.iterdir())


def flip(path: Path, row: int) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) - (4 - row) * ROW.itemsize] ^= 1
    path.write_bytes(content)


def test_rows_come_back_from_any_row_on(tmp_path: Path):
    log = log_in(tmp_path, 6)
    log.append(rows(6, 11))
    assert names(log) == ["rows-000000000000.npy", "rows-000000000004.npy", "rows-000000000008.npy"]
    for start in range(11):
        assert seen(log, start) == list(range(start, 11))
    assert [first for first, _ in log.read(5)] == [5, 8]


def test_anybody_can_map_a_file(tmp_path: Path):
    found = np.load(log_in(tmp_path, 6).path(4), mmap_mode="r")
    assert found.dtype == ROW
    assert found["seen"][:2].tolist() == [[4, 4], [5, 5]]


def test_what_lies_behind_a_checkpoint_is_overwritten(tmp_path: Path):
    log = log_in(tmp_path, 6)
    state = log.state()
    log.append(rows(6, 15, paid=1.0))  # and then the process ends
    again = RowLog(tmp_path / "rows", ROW, rows_per_file=4)
    again.load_state(state)
    assert again.end == 6
    again.append(rows(6, 10, paid=2.0))
    assert [float(row["paid"]) for _, part in again.read(0) for row in part] == [0.0] * 6 + [2.0] * 4
    assert again.first_damaged(again.state(), 0) is None
    assert again.first_damaged(state, 0) is None


def test_only_files_in_which_no_row_counts_are_forgotten(tmp_path: Path):
    log = log_in(tmp_path, 11)
    log.forget(before=7)
    assert names(log) == ["rows-000000000004.npy", "rows-000000000008.npy"]
    log.forget(before=8)
    assert names(log) == ["rows-000000000008.npy"]
    assert seen(log, 8) == [8, 9, 10]


def test_damage_is_seen_in_rows_that_count_and_only_there(tmp_path: Path):
    log = log_in(tmp_path, 6)
    state = log.state()
    log.append(rows(6, 8))
    flip(log.path(4), 2)  # row 6, which the state does not count
    assert log.first_damaged(state, 0) is None
    assert log.first_damaged(log.state(), 0) == log.path(4)
    flip(log.path(0), 1)
    assert log.first_damaged(state, 0) == log.path(0)
    assert log.first_damaged(state, 4) is None
    log.path(4).unlink()
    assert log.first_damaged(state, 4) == log.path(4)


def test_a_log_may_begin_in_the_middle(tmp_path: Path):
    log = log_in(tmp_path)
    log.begin_at(9)
    assert log.end == 8
    log.append(rows(8, 10))
    assert seen(log, 9) == [9]


def test_rows_of_another_kind_are_refused(tmp_path: Path):
    state = log_in(tmp_path, 2).state()
    other = RowLog(tmp_path / "rows", np.dtype([("seen", "<f4")]), rows_per_file=4)
    with pytest.raises(ValueError, match=r"rows are .* there and .* here"):
        other.load_state(state)


def test_a_full_disk_says_what_to_do_and_leaves_what_was_whole(tmp_path: Path):
    log = RowLog(tmp_path / "rows", ROW, rows_per_file=1000)
    log.append(rows(0, 10))
    state = log.state()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(RunError, match=r"rows-000000000000.npy not written: .* Free some space"):
            log.append(rows(10, 900))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert log.first_damaged(state, 0) is None


def test_a_folder_that_is_gone_is_said_to_be(tmp_path: Path):
    log = log_in(tmp_path, 2)
    log.path(0).unlink()
    with pytest.raises(RunError, match="is gone"):
        log.append(rows(2, 3))
