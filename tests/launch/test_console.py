"""Terminals that are closed, go away, or interrupt before anything runs."""

import ast
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from launch.console import NOTICE, say

ROOT = Path(__file__).parents[2]
WAITING = "from launch.console import prepare; prepare(); import sys, time; print('ready', flush=True); time.sleep(60)"
STREAM = (
    *("agent=sgd", "env=permuted-digits", "agent.hidden_layers=1", "agent.hidden_units=4"),
    *("env.tasks=2", "env.examples=50", "env.batch_size=10", "track=off", "out=."),
)


def test_a_command_whose_streams_are_closed_runs_and_writes_nothing_into_its_files(tmp_path):
    words = " ".join([sys.executable, str(ROOT / "train.py"), *STREAM])
    assert subprocess.run(["sh", "-c", f"exec {words} 0<&- 1>&- 2>&-"], cwd=tmp_path, check=False).returncode == 0
    (metrics,) = tmp_path.rglob("metrics.jsonl")
    assert [json.loads(line)["global_step"] for line in metrics.read_text().splitlines()] == [0, 50, 50, 100]
    assert len(list(tmp_path.rglob("learning_curve.png"))) == 1


def test_closed_streams_lead_nowhere_and_their_numbers_are_taken(tmp_path):
    script = (
        "from launch.console import prepare; prepare(); print(open('file', 'w').fileno(), file=open('number', 'w'))"
    )
    command = ["sh", "-c", f'exec {sys.executable} -c "{script}" 2>&-']
    subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    assert int((tmp_path / "number").read_text()) > 2


def test_ctrl_c_before_anything_runs_is_one_line_and_130():
    with subprocess.Popen(
        [sys.executable, "-c", WAITING], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=10)[1] == NOTICE
        assert process.returncode == 130
    assert NOTICE.count(b"\n") == 2


def test_the_entry_point_is_ready_for_ctrl_c_before_it_imports_the_rest():
    body = ast.parse((ROOT / "train.py").read_text()).body
    imported = [node.module for node in body if isinstance(node, ast.ImportFrom)]
    assert imported == ["launch.commands", "launch.console", "plastic_rl.errors"]
    ready, rest, *_ = body[-1].body
    assert ast.unparse(ready) == "prepare()"
    assert "train(sys.argv[1:])" in ast.unparse(rest)
    loaded = "import sys, launch.commands; print(sorted({'hydra', 'torch', 'numpy'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", loaded], cwd=ROOT, text=True).strip() == "[]"


@pytest.mark.parametrize("words", [["--help"], [*STREAM]], ids=["help", "run"])
def test_a_reader_that_goes_away_ends_nothing_and_is_not_complained_about(tmp_path, words):
    command = [sys.executable, str(ROOT / "train.py"), *words]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        error = process.stderr.read()
        assert process.wait(60) == 0
    assert b"roken" not in error
    assert b"Traceback" not in error
    assert len(list(tmp_path.rglob("weights.pt"))) == (words != ["--help"])


def test_what_is_said_after_the_terminal_is_gone_is_not_said_and_not_said_again_at_the_end(monkeypatch):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as broken:
        monkeypatch.setattr(sys, "stdout", broken)
        say("finished")
        say("finished")
        broken.flush()
