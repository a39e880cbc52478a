"""Files that bring code: none of it is run, unless the file is trusted."""

import io
import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium import spaces
from models import model_of, rewritten
from stable_baselines3 import PPO
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from plastic_rl.doctor import examine_saved
from plastic_rl.doctor.__main__ import main
from plastic_rl.errors import UserError

NEEDED = ("policy_class", "observation_space", "action_space", "policy_kwargs", "use_sde", "ignore", "_last_obs")


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def mark(tmp_path):
    """Return the folder that a payload makes; the test fails where it is there at the end."""
    path = tmp_path / "code_was_run"
    yield path
    assert not path.exists()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile") / "model.zip"
    model_of(PPO, n_steps=8, batch_size=8).save(path)
    return path


def keys_of(path):
    with zipfile.ZipFile(path) as archive:
        return list(json.loads(archive.read("data")))


def refused(path, what):
    with pytest.raises(UserError, match=what):
        examine_saved(path, samples=8)


def test_the_payload_is_live(saved, tmp_path):
    """Or nothing below would show anything: a trusted file is loaded whole."""
    mark = tmp_path / "run"
    path = rewritten(saved, tmp_path / "model.zip", data={"clip_range": Payload(mark)})
    examine_saved(path, samples=8, trust=True)
    assert mark.is_dir()


def test_settings_that_make_no_policy_are_not_looked_at(saved, tmp_path, mark):
    others = [key for key in keys_of(saved) if key not in NEEDED]
    assert len(others) > 30
    path = rewritten(saved, tmp_path / "model.zip", data={key: Payload(mark) for key in others})
    assert examine_saved(path, samples=8).is_healthy


@pytest.mark.parametrize("key", NEEDED)
def test_settings_that_make_a_policy_are_read_without_running_anything(saved, tmp_path, mark, key):
    path = rewritten(saved, tmp_path / "model.zip", data={key: Payload(mark)})
    refused(path, rf"model\.zip: `{key}` holds (posix|nt)\.mkdir, which is not loaded from a file; .* --trust")


@pytest.mark.parametrize(
    "hide",
    [
        lambda bomb: {"net_arch": [8], "deep": {"deeper": [bomb]}},
        lambda bomb: {"features_extractor_kwargs": {"features_dim": bomb}},
        lambda bomb: {bomb: 1},
        lambda bomb: spaces.Dict({"a": spaces.Discrete(2)}).spaces | {"b": bomb},
        lambda bomb: np.array([bomb], dtype=object),
    ],
)
def test_nor_is_what_they_hold_deep_inside(saved, tmp_path, mark, hide):
    refused(rewritten(saved, tmp_path / "model.zip", data={"policy_kwargs": hide(Payload(mark))}), "is not loaded")


def test_what_only_makes_an_optimiser_is_left_out(saved, tmp_path, mark):
    kwargs = {"net_arch": [32, 32], "activation_fn": torch.nn.ReLU}
    data = {"policy_kwargs": {**kwargs, "optimizer_class": Payload(mark), "optimizer_kwargs": Payload(mark)}}
    assert examine_saved(rewritten(saved, tmp_path / "model.zip", data=data), samples=8).is_healthy


def calling(function: bytes, argument: bytes) -> bytes:
    """Return a pickle that calls a function of a module with a string."""
    return b"c" + function + b"\n(S'" + argument + b"'\ntR."


@pytest.mark.parametrize(
    "function",
    [
        b"os\nmkdir",
        b"builtins\neval",
        b"stable_baselines3.common.policies\nos.mkdir",
        b"stable_baselines3.common.save_util\npathlib.os.mkdir",
        b"plastic_rl.sb3.saved_model\nread_model",
        b"functools\npartial",
        b"operator\nattrgetter",
        b"torch.nn.modules.activation\nTanh",  # harmless, but a network is no setting of itself
    ],
)
def test_calls_by_any_name_are_refused(saved, tmp_path, mark, function):
    code = calling(function, str(mark).encode())
    refused(rewritten(saved, tmp_path / "model.zip", data={"policy_kwargs": code}), "is not loaded from a file")


@pytest.mark.parametrize("file", ["policy.pth", "policy.optimizer.pth"])
def test_parameters_are_weights_and_nothing_else(saved, tmp_path, mark, file):
    buffer = io.BytesIO()
    torch.save({"weight": torch.zeros(1), "more": Payload(mark)}, buffer)
    path = rewritten(saved, tmp_path / "model.zip", files={file: buffer.getvalue()})
    refused(path, rf"{file} is not weights and nothing else: it holds (posix|nt)\.mkdir")
    with pytest.raises(UserError):
        examine_saved(path, samples=8, trust=True)


def test_damaged_parameters_are_refused(saved, tmp_path):
    refused(
        rewritten(saved, tmp_path / "model.zip", files={"policy.pth": b"PK\x03\x04"}),
        r"policy\.pth is not weights .* damaged",
    )


@pytest.mark.parametrize("content", [torch.zeros(3), [1, 2], {1: 2}, "text"], ids=str)
def test_files_of_other_things_than_expected_are_refused_or_mean_nothing(saved, tmp_path, content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    refused(rewritten(saved, tmp_path / "a.zip", files={"policy.pth": buffer.getvalue()}), "do not fit the policy")
    path = rewritten(saved, tmp_path / "b.zip", files={"policy.optimizer.pth": buffer.getvalue()})
    assert examine_saved(path, samples=8).methods == []


@pytest.mark.parametrize("content", [b"", b"[]", b"nonsense", b"[" * 100_000, b'{"policy_class": "os.system"}'])
def test_settings_of_other_things_than_expected_are_refused(saved, tmp_path, content):
    refused(rewritten(saved, tmp_path / "model.zip", files={"data": content}), r"model\.zip: ")


def test_variables_that_are_not_needed_are_not_read(saved, tmp_path, mark):
    path = rewritten(saved, tmp_path / "model.zip", files={"pytorch_variables.pth": pickle.dumps(Payload(mark))})
    assert examine_saved(path, samples=8).is_healthy


@pytest.mark.parametrize("save", [np.save, np.savez, lambda path, array: path.write_bytes(pickle.dumps(array[0]))])
def test_observations_bring_no_objects(saved, tmp_path, mark, save):
    path = tmp_path / ("observations.npz" if save is np.savez else "observations.npy")
    save(path, np.array([Payload(mark)], dtype=object))
    with pytest.raises(UserError, match=r"cannot be read as an \.npy or \.npz of observations"):
        examine_saved(saved, observations=path)


@pytest.fixture
def normalise():
    return VecNormalize(DummyVecEnv([lambda: model_of(PPO).env.envs[0]]))


def test_a_vecnormalize_brings_nothing_but_numbers(saved, tmp_path, mark, normalise):
    path = tmp_path / "vecnormalize.pkl"
    path.write_bytes(pickle.dumps(Payload(mark)))
    with pytest.raises(UserError, match=r"is not what VecNormalize\.save wrote"):
        examine_saved(saved, vecnormalize=path)
    for bomb in ({"obs_rms": Payload(mark)}, {"clip_obs": Payload(mark)}, {"obs_rms": _statistics(mark)}):
        vars(normalise).update(bomb)
        normalise.save(str(path))
        with pytest.raises(UserError, match="VecNormalize"):
            examine_saved(saved, vecnormalize=path)


def _statistics(mark):
    statistics = RunningMeanStd(shape=(4,))
    statistics.mean = Payload(mark)
    return statistics


def test_parts_of_a_vecnormalize_that_are_not_needed_are_not_made(saved, tmp_path, mark, normalise):
    vars(normalise).update(ret_rms=Payload(mark), metadata=Payload(mark))
    normalise.save(str(tmp_path / "vecnormalize.pkl"))
    assert examine_saved(saved, vecnormalize=tmp_path / "vecnormalize.pkl", samples=8).is_healthy


def test_the_command_refuses_in_one_line(saved, tmp_path, mark, capsys):
    path = rewritten(saved, tmp_path / "model.zip", data={"policy_class": Payload(mark)})
    assert main([str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert "--trust" in line
