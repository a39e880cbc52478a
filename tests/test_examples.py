"""The scripts that people start from: each runs, says what it should, and is short."""

import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

# What each is called with here, and a part of what it prints.
RUNS = {
    "own_torch_loop": ("2", "units/dormant"),
    "own_environment": ("2000", "task 4 ("),
    "own_method": ("512", "max_norm/shrunk"),
    "own_stream": ("1", "sgd_l2_init: accuracy on the last task"),
    "own_sb3_project": ("2048", "plain"),
}
MINUTES = {"own_stream", "own_sb3_project"}


def test_each_of_them_is_run():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == RUNS.keys()


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in MINUTES)) for name in RUNS])
def test_it_runs_and_is_short(name, tmp_path, monkeypatch, capsys):
    word, expected = RUNS[name]
    path = EXAMPLES / f"{name}.py"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(path), word])
    monkeypatch.syspath_prepend(str(EXAMPLES))
    runpy.run_path(str(path), run_name="__main__")
    assert expected in capsys.readouterr().out
    assert len(path.read_text().splitlines()) <= 60
