"""Packages that only a part needs: their extra is named, and the advice works from where plastic_rl is."""

import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from agents import AGENTS
from envs import ENVS
from launch.messages import explained
from launch.settings import Settings
from launch.validation import check
from plastic_rl import extras
from plastic_rl.errors import UserError
from plastic_rl.nonstationary.filming import write_film

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DISTRIBUTIONS = {"PIL": "pillow", "sklearn": "scikit-learn", "sb3_contrib": "sb3-contrib", "hydra": "hydra-core"}
DISTRIBUTIONS |= {"omegaconf": "hydra-core", "Box2D": "gymnasium[box2d]", "mujoco_warp": "mujoco-warp"}
DISTRIBUTIONS |= {"warp": "mujoco-warp"}


@pytest.fixture
def installed_from_a_wheel(monkeypatch, tmp_path):
    """As if there were no checkout around the package."""
    monkeypatch.setattr(extras, "__file__", str(tmp_path / "site-packages" / "plastic_rl" / "extras.py"))


@pytest.mark.parametrize(("module", "extra"), extras.EXTRAS.items())
def test_every_package_is_brought_by_its_extra(module, extra, installed_from_a_wheel):
    assert extra in PROJECT["optional-dependencies"]
    assert re.search(rf"{re.escape(DISTRIBUTIONS.get(module, module))}[<>]", extras.installation(extra))


def test_in_a_checkout_it_is_installed_by_the_checkout(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    assert extras.installation("video") == "pip install -e '.[video]'"
    monkeypatch.chdir(tmp_path)
    assert extras.installation("video") == f"pip install -e '{ROOT}[video]'"


def test_from_a_wheel_it_is_installed_package_by_package_without_the_name_that_no_index_knows(installed_from_a_wheel):
    assert extras.installation("video") == "pip install 'imageio>=2.30'"
    train = extras.installation("train")
    assert "plastic" not in train
    for package in ("hydra-core<1.4,>=1.3.2", "gymnasium[mujoco]<2,>=1.2", "scikit-learn>=1.4"):
        assert f"'{package}'" in train


def test_another_projects_folder_is_no_checkout_of_ours(monkeypatch, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "somebody-elses"\n')
    monkeypatch.setattr(extras, "__file__", str(tmp_path / "plastic_rl" / "extras.py"))
    assert extras.installation("video") == "pip install 'imageio>=2.30'"


def test_a_package_of_no_extra_is_named_all_the_same():
    assert extras.missing("a_package.of.mine", "this") == (
        "this needs a_package, which is not installed: pip install a_package"
    )


def test_where_make_has_installed_everything_for_another_python_that_is_said(monkeypatch, tmp_path):
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "plastic-rl"\n')
    monkeypatch.setattr(extras, "__file__", str(tmp_path / "plastic_rl" / "extras.py"))
    monkeypatch.chdir(tmp_path)
    assert extras.missing("hydra", "train.py").splitlines()[1:] == [
        "Or take the Python that make has installed it for: source .venv/bin/activate"
    ]
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    assert len(extras.missing("hydra", "train.py").splitlines()) == 1


def test_a_film_without_imageio(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "imageio", None)
    with pytest.raises(UserError, match=r"write_film needs imageio, .* \(the extra 'video'\): pip install "):
        write_film(np.zeros((1, 8, 8, 3), dtype=np.uint8), tmp_path / "film.gif")


def test_what_a_run_lacks_is_told_without_a_traceback():
    told = explained(ModuleNotFoundError("No module named 'mujoco.viewer'", name="mujoco.viewer"))
    assert str(told).startswith("this run needs mujoco, which is not installed (the extra 'mujoco'): pip install -e ")


def test_tensorboard_is_looked_for_before_the_run(monkeypatch):
    monkeypatch.setattr("launch.validation.find_spec", lambda name: None)
    settings = Settings(agent=AGENTS["ppo"](), env=ENVS["ant"](), total_steps=1, formats=["tensorboard"])
    with pytest.raises(UserError, match=r"formats=\[tensorboard\] needs tensorboard"):
        check(settings)


def test_the_entry_point_without_hydra():
    script = "import runpy, sys; sys.modules['hydra'] = None; sys.argv = ['train.py', '--help']; "
    script += "runpy.run_path('train.py', run_name='__main__')"
    command = [sys.executable, "-c", script]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "train.py needs hydra, which is not installed (the extra 'train'): pip install -e '.[train]'\n"
    )


def test_the_metadata_knows_all_extras():
    assert set(PROJECT["optional-dependencies"]) <= set(metadata.metadata("plastic-rl").get_all("Provides-Extra"))
