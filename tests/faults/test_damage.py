"""Checkpoints that are damaged or another run's."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from hydra import compose, initialize

from launch.request import check_request
from launch.run import run
from launch.settings import CONFIG_NAME, Settings, from_hydra, register
from plastic_rl.errors import RunError
from plastic_rl.runs import Checkpoints, RunFolder, RunRecord
from tests.faults.commands import OFTEN, STREAM, WORLD, are_equal, what_is_left

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SHORT = {
    "world": (*WORLD[:3], "total_steps=2_560", "env.change_every=700", *WORLD[5:]),
    "stream": (*STREAM[:2], "env.tasks=2", *STREAM[3:]),
}
DAMAGED = 20


def settings_of(out: Path, words: tuple[str, ...]) -> Settings:
    register()
    check_request(words)
    with initialize(version_base="1.3", config_path=None):
        return from_hydra(compose(CONFIG_NAME, [*words, *OFTEN, f"out={out}"]))


@pytest.fixture(scope="module", params=SHORT)
def killed(request, tmp_path_factory):
    """A run's words, what it leaves, and its folder as it was when it was killed in the middle.

    It is run in this process, where beartype, which checks types, draws from Python's own generator.
    """
    words, out = SHORT[request.param], tmp_path_factory.mktemp("runs")
    snapshots: list[Path] = []
    save = Checkpoints.save

    def save_and_copy(checkpoints: Checkpoints, step: int, state: dict) -> Path:
        path = save(checkpoints, step, state)
        snapshots.append(shutil.copytree(path.parents[1], out / "snapshots" / str(len(snapshots))))
        return path

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "save", save_and_copy)
        folder = run(settings_of(out / "whole", words))
    return (
        request.param,
        words,
        what_is_left(out / "whole", "python"),
        folder.path.relative_to(out / "whole"),
        snapshots[3],
    )


def damage(path: Path, draw: random.Random) -> None:
    """One bit, a missing tail, zeros in the middle, rubbish, or nothing at all."""
    content = bytearray(path.read_bytes())
    place = draw.randrange(len(content))
    kind = draw.choice(["bit", "tail", "zeros", "rubbish", "empty"])
    if kind == "bit":
        content[place] ^= 1 << draw.randrange(8)
    elif kind == "zeros":
        content[place : place + 512] = bytes(len(content[place : place + 512]))
        content[-1] ^= 1
    path.write_bytes({"tail": content[:place], "rubbish": draw.randbytes(5000), "empty": b""}.get(kind, content))


def test_damaged_newest_checkpoints(killed, tmp_path: Path, counted):
    kind, words, expected, place, snapshot = killed
    draw = random.Random(3)
    for index in range(DAMAGED):
        shutil.copytree(snapshot, tmp_path / str(index) / place)
        newest = max((tmp_path / str(index) / place / "checkpoints").iterdir())
        damage(newest, draw)
        run(settings_of(tmp_path / str(index), words))
        assert are_equal(what_is_left(tmp_path / str(index), "python"), expected)
    counted(f"damaged newest checkpoint, {kind}", cases=DAMAGED, equal="bit for bit")


def test_all_checkpoints_damaged(killed, tmp_path: Path, counted):
    kind, words, _, place, snapshot = killed
    shutil.copytree(snapshot, tmp_path / place)
    for path in (tmp_path / place / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(RunError, match=r"None of the 2 checkpoints .* fresh=true"):
        run(settings_of(tmp_path, words))
    counted(f"all checkpoints damaged, {kind}", refused="with advice")


OTHERS = (
    "seed=5",
    "agent.learning_rate=0.02",
    "agent.hidden_units=17",
    "agent.replacement_rate=0.02",
    "agent.decay_rate=0.9",
)


def test_foreign_checkpoints(killed, tmp_path: Path, counted):
    kind, words, _, _, snapshot = killed
    for index, other in enumerate(OTHERS):
        out = tmp_path / str(index)
        theirs = RunFolder(run_folder_of(out, (*words, other)))
        (theirs.path).mkdir(parents=True)
        RunRecord(theirs.record_file).start(0)
        shutil.copytree(snapshot / "checkpoints", theirs.checkpoints.directory)
        with pytest.raises(RunError, match="is of another run: ") as refused:
            run(settings_of(out, (*words, other)))
        assert other.partition("=")[0] in str(refused.value)
    counted(f"foreign checkpoint, {kind}", refused=f"{len(OTHERS)} of {len(OTHERS)}, by name")


def run_folder_of(out: Path, words: tuple[str, ...]) -> Path:
    from launch.run import run_folder

    return run_folder(settings_of(out, words)).path
