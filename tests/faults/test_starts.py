"""Runs that begin at the same moment, and runs that have nowhere to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.commands import STREAM, WORLD, are_equal, finish, start, told_in_two_lines, what_is_left

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
AT_ONCE = 4


@pytest.mark.parametrize("words", [WORLD, STREAM], ids=["world", "stream"])
def test_the_same_command_several_times_at_once(tmp_path: Path, words: tuple[str, ...], counted):
    """One of them trains; the others say so, or that it is finished."""
    assert finish(tmp_path / "alone", words)[0] == 0
    processes = [start(tmp_path / "together", words) for _ in range(AT_ONCE)]
    said = [process.communicate(timeout=400) for process in processes]
    codes = [process.returncode for process in processes]
    assert codes.count(0) >= 1
    assert set(codes) <= {0, 2}
    for code, (_, error) in zip(codes, said, strict=True):
        assert code == 0 or (told_in_two_lines(error) and "Another process" in error), error
    assert are_equal(what_is_left(tmp_path / "together"), what_is_left(tmp_path / "alone"))
    counted(f"{AT_ONCE} starts at once, {words[0]}", trained=1, refused=codes.count(2), equal="bit for bit")


def test_different_seeds_at_once_below_one_folder(tmp_path: Path, counted):
    seeds = [start(tmp_path / "together", (*WORLD, f"seed={seed}")) for seed in range(3)]
    assert [process.communicate(timeout=400) and process.returncode for process in seeds] == [0, 0, 0]
    assert len(list((tmp_path / "together").glob("*/*/*/model.zip"))) == 3
    counted("3 seeds at once below one folder", finished=3)


@pytest.mark.parametrize("words", [WORLD, STREAM], ids=["world", "stream"])
def test_a_folder_that_cannot_be_written(tmp_path: Path, words: tuple[str, ...], counted):
    (tmp_path / "file").touch()
    nowhere = [tmp_path / "file"] + ([Path("/proc/plastic_rl")] if Path("/proc/self").exists() else [])
    for out in nowhere:
        code, error = finish(out, words)
        assert code == 2
        assert told_in_two_lines(error)
        assert "out=" in error
    counted(f"a folder that cannot be written, {words[0]}", refused=f"{len(nowhere)} of {len(nowhere)}")
