"""Disks that are too small: a real one (tmpfs, where it may be mounted), and a limit on the size of files."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.commands import STREAM, WORLD, are_equal, finish, told_in_two_lines, what_is_left

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, to be resized."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)], check=False)
    if mounted.returncode != 0:
        pytest.skip("a file system cannot be mounted here; test_files_that_may_not_grow does the same without one")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize(("words", "sizes"), [(WORLD, (40, 90, 150, 230)), (STREAM, (30, 60, 120))])
def test_a_small_disk(disk: Path, tmp_path: Path, words: tuple[str, ...], sizes: tuple[int, ...], counted):
    assert finish(tmp_path / "whole", words)[0] == 0
    failed = 0
    for kilobytes in sizes:
        subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", str(disk)], check=True)
        code, error = finish(disk / "runs", words)
        if code != 0:
            failed += 1
            assert code in (1, 2)
            assert told_in_two_lines(error), error
            assert "No space left on device" in error
    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
    assert failed > 0
    code, error = finish(disk / "runs", words)
    assert code == 0, error
    assert are_equal(what_is_left(disk / "runs"), what_is_left(tmp_path / "whole"))
    counted(f"full tmpfs, {words[1]}", full=failed, of=len(sizes), equal="bit for bit once there is space")


@pytest.mark.parametrize("words", [WORLD, STREAM], ids=["world", "stream"])
def test_files_that_may_not_grow(tmp_path: Path, words: tuple[str, ...], counted):
    assert finish(tmp_path / "whole", words)[0] == 0
    failed = 0
    sizes = (2_000, 10_000, 30_000, 60_000)
    for size in sizes:
        limit = lambda size=size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))  # noqa: E731
        code, error = finish(tmp_path / "runs", words, preexec_fn=limit)
        if code != 0:
            failed += 1
            assert told_in_two_lines(error), error
            assert "File too large" in error
    assert failed > 0
    code, error = finish(tmp_path / "runs", words)
    assert code == 0, error
    assert are_equal(what_is_left(tmp_path / "runs"), what_is_left(tmp_path / "whole"))
    counted(f"RLIMIT_FSIZE, {words[1]}", full=failed, of=len(sizes), equal="bit for bit once there is space")
