"""Each file that is read back: what a stranger has put into it is refused or read as data, and never run."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from stable_baselines3 import PPO

from plastic_rl.errors import RunError
from plastic_rl.nonstationary import read_tasks
from plastic_rl.runs import Checkpoints, RunFolder, read_metrics, read_record
from plastic_rl.runs.encoding import decode
from plastic_rl.runs.seal import seal

ran: list[str] = []


def note(word: str) -> None:
    ran.append(word)


class Payload:
    """What runs code as soon as it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return note, ("code",)


@pytest.fixture(autouse=True)
def _nothing_runs():
    pickle.loads(pickle.dumps(Payload()))
    assert ran == ["code"], "the payload is one"
    ran.clear()
    yield
    assert ran == []


def test_checkpoints(tmp_path: Path):
    checkpoints = Checkpoints(tmp_path)
    with checkpoints.path(1).open("w+b") as file:
        torch.save({"step": 1, "algorithm": Payload()}, file)
        seal(file)
    with checkpoints.path(2).open("w+b") as file:
        pickle.dump(Payload(), file)
        seal(file)
    with pytest.raises(RunError, match="None of the 2 checkpoints"):
        checkpoints.latest()


@pytest.mark.parametrize("name", ["test", "seed", "RandomState", "__dict__", "default_rng"])
def test_generators_in_checkpoints_are_those_of_numpy_and_nothing_else_by_their_name(name: str):
    state = {**np.random.default_rng(0).bit_generator.state, "bit_generator": name}
    with pytest.raises(ValueError, match=f"{name!r} is no bit generator of numpy's"):
        decode({"$generator": state})


def test_policies_in_the_zips_of_stable_baselines(tmp_path: Path):
    model = PPO("MlpPolicy", "CartPole-v1", device="cpu", policy_kwargs={"net_arch": [4]})
    model.save(tmp_path / "model.zip")
    content = io.BytesIO()
    torch.save({"policy": Payload()}, content)
    with zipfile.ZipFile(tmp_path / "model.zip") as old, zipfile.ZipFile(tmp_path / "bad.zip", "w") as new:
        for name in old.namelist():
            new.writestr(name, content.getvalue() if name == "policy.pth" else old.read(name))
    with pytest.raises(pickle.UnpicklingError):
        model.set_parameters(str(tmp_path / "bad.zip"))


def test_weights(tmp_path: Path):
    torch.save([{"0.weight": Payload()}], tmp_path / "weights.pt")
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / "weights.pt", weights_only=True)  # as docs and experiments read it


def test_observations_in_npy_files(tmp_path: Path):
    np.save(tmp_path / "observations.npy", np.array([Payload()], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        np.load(tmp_path / "observations.npy")  # as the doctor reads it


PICKLED = pickle.dumps(Payload(), protocol=0)


@pytest.mark.parametrize(
    "read",
    [read_tasks, read_metrics, read_record, lambda path: RunFolder(path.parent).status],
    ids=["tasks", "metrics", "record", "status"],
)
@pytest.mark.parametrize("content", [PICKLED, PICKLED + b"\n", json.dumps({"py/reduce": "os.system"}).encode() + b"\n"])
def test_text_files(tmp_path: Path, read: Callable[[Path], Any], content: bytes):
    for name in ("tasks.jsonl", "metrics.jsonl", "run.json"):
        (tmp_path / name).write_bytes(content)
        try:
            read(tmp_path / name)
        except ValueError:
            continue


def test_settings(tmp_path: Path):
    (tmp_path / "config.yaml").write_text("agent: !!python/object/apply:test_files_run_no_code.note ['code']\n")
    with pytest.raises(Exception, match="could not determine a constructor"):
        OmegaConf.load(tmp_path / "config.yaml")
