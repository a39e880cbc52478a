"""A checkpoint is whole or absent, whatever happens while it is written or afterwards."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from plastic_rl.errors import RunError
from plastic_rl.runs import Checkpoints
from plastic_rl.runs.seal import SEAL_BYTES

KILLED_WHILE_SAVING = """
import os, random, signal, sys, time
from pathlib import Path
import torch
from plastic_rl.runs import Checkpoints

torch.set_num_threads(1)
folder, kills = Path(sys.argv[1]), int(sys.argv[2])
step, half_written = 0, 0
for kill in range(kills):
    child = os.fork()
    if child == 0:
        checkpoints = Checkpoints(folder)
        while True:
            step += 1
            checkpoints.save(step, {"value": torch.full((500_000,), float(step))})
    time.sleep(random.uniform(0.02, 0.12))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    half_written += len(list(folder.glob("*.partial")))
    found = Checkpoints(folder).latest()
    if found is not None:
        assert found[0] >= step and bool((found[1]["value"] == found[0]).all())
        step = found[0]
print(step, half_written)
"""


def state(value: float) -> dict[str, object]:
    return {"weights": torch.full((1000,), value), "steps": [1, 2.5, "three", None, (True, b"x")]}


def files(checkpoints: Checkpoints) -> list[str]:
    return sorted(path.name for path in checkpoints.directory.iterdir())


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """Let the operating system refuse every write beyond `size` bytes, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "checkpoints")


def test_what_was_saved_is_read(checkpoints: Checkpoints):
    assert checkpoints.latest() is None
    path = checkpoints.save(7, state(1.5))
    step, found = checkpoints.latest()
    assert (step, path.name) == (7, "step-000000000007.pt")
    assert torch.equal(found["weights"], torch.full((1000,), 1.5))
    assert found["steps"] == [1, 2.5, "three", None, (True, b"x")]


def test_plain_torch_opens_a_checkpoint(checkpoints: Checkpoints):
    path = checkpoints.save(1, state(2.0))
    assert torch.equal(torch.load(path, weights_only=True)["weights"], torch.full((1000,), 2.0))


def test_only_the_newest_are_kept_and_half_written_ones_go(checkpoints: Checkpoints):
    checkpoints.save(9, state(0.0))
    (checkpoints.directory / "step-000000000001.pt.partial").write_bytes(b"half")
    (checkpoints.directory / "mine.txt").write_text("not the run's")
    for step in (10, 100, 11_000):
        checkpoints.save(step, state(step))
    assert files(checkpoints) == ["mine.txt", "step-000000000100.pt", "step-000000011000.pt"]


def test_keep_says_how_many(tmp_path: Path):
    one = Checkpoints(tmp_path, keep=1)
    for step in (1, 2, 3):
        one.save(step, state(step))
    assert files(one) == ["step-000000000003.pt"]
    with pytest.raises(ValueError, match="at least 1, got 0"):
        Checkpoints(tmp_path, keep=0)


@pytest.mark.parametrize("place", [0, 0.25, 0.5, 0.75, -SEAL_BYTES - 1, -SEAL_BYTES // 2, -1])
def test_one_flipped_bit_is_seen(checkpoints: Checkpoints, place: float, caplog: pytest.LogCaptureFixture):
    checkpoints.save(1, state(1.0))
    content = bytearray(checkpoints.save(2, state(2.0)).read_bytes())
    content[place if isinstance(place, int) else int(place * len(content))] ^= 0b100
    (checkpoints.directory / "step-000000000002.pt").write_bytes(content)
    step, found = checkpoints.latest()
    assert step == 1
    assert torch.equal(found["weights"], torch.full((1000,), 1.0))
    assert len(caplog.messages) == 1
    assert "step-000000000002.pt is damaged" in caplog.text


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99, 0.9999])
def test_a_missing_tail_is_seen(checkpoints: Checkpoints, share: float):
    checkpoints.save(1, state(1.0))
    path = checkpoints.save(2, state(2.0))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    assert checkpoints.latest()[0] == 1


def test_damage_everywhere_is_an_error_that_says_what_to_do(checkpoints: Checkpoints):
    for step in (1, 2):
        checkpoints.save(step, state(step)).write_bytes(b"rubbish")
    with pytest.raises(RunError, match=r"None of the 2 checkpoints in .* damaged\. .*fresh=true"):
        checkpoints.latest()


def test_a_damaged_checkpoint_never_pushes_out_a_whole_one(checkpoints: Checkpoints):
    checkpoints.save(10, state(10))
    checkpoints.save(20, state(20)).write_bytes(b"rubbish")
    assert checkpoints.latest()[0] == 10
    checkpoints.save(15, state(15))
    assert files(checkpoints) == ["step-000000000010.pt", "step-000000000015.pt"]
    checkpoints.save(30, state(30))
    assert files(checkpoints) == ["step-000000000015.pt", "step-000000000030.pt"]


def test_what_could_not_be_read_back_is_refused_before_anything_is_written(checkpoints: Checkpoints):
    checkpoints.save(1, state(1.0))
    with pytest.raises(TypeError, match=r"state\['env'\]\[1\] is a numpy.float64"):
        checkpoints.save(2, {"env": [0.5, np.float64(0.5)]})
    assert files(checkpoints) == ["step-000000000001.pt"]


@pytest.mark.parametrize("size", [100, 3000, 100_000])
def test_a_full_disk_loses_nothing(checkpoints: Checkpoints, size: int):
    checkpoints.save(1, state(1.0))
    with files_limited_to(size), pytest.raises(RunError) as caught:
        checkpoints.save(2, {"weights": torch.zeros(1_000_000)})
    for part in ("step 2", str(checkpoints.directory), "File too large", "the last whole one is step-000000000001.pt"):
        assert part in str(caught.value)
    assert files(checkpoints) == ["step-000000000001.pt"]
    assert checkpoints.latest()[0] == 1


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(
        RunError, match=r"step 3 not written to .*file/checkpoints: Not a directory; there is no earlier"
    ):
        Checkpoints(tmp_path / "file" / "checkpoints").save(3, state(0.0))


def test_kill_at_any_moment_leaves_a_whole_checkpoint(tmp_path: Path):
    kills = 15
    command = [sys.executable, "-c", KILLED_WHILE_SAVING, str(tmp_path), str(kills)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    step, half_written = map(int, done.stdout.split())
    assert step > 0
    assert half_written > 0, "no kill came in the middle of a save: the test proved nothing"


def test_clear_removes_only_checkpoints(checkpoints: Checkpoints):
    checkpoints.clear()
    checkpoints.save(1, state(1.0))
    (checkpoints.directory / "mine.txt").touch()
    checkpoints.clear()
    assert files(checkpoints) == ["mine.txt"]
    shutil.rmtree(checkpoints.directory)
    checkpoints.save(1, state(1.0))
    checkpoints.clear()
    assert not checkpoints.directory.exists()
