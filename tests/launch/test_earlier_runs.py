"""Runs that an earlier version was killed in (commit a1cde9b, 2026-11): the same command still goes on with them."""

import json
import shutil
from pathlib import Path

import pytest

from launch.run import run
from plastic_rl.runs import read_metrics

HERE = Path(__file__).parent
CARTPOLE = (
    *("agent=ppo_cbp", "env=permuted-cartpole", "env.n_envs=4", "total_steps=1280", "env.change_every=300"),
    *("agent.rollout_steps=128", "agent.minibatch_size=64", "agent.epochs=1", "agent.hidden_units=4"),
    *("agent.maturity_threshold=2", "agent.replacement_rate=0.05"),
)
DIGITS = (
    *("agent=sgd_cbp", "env=permuted-digits", "env.tasks=2", "env.examples=2000", "env.batch_size=16", "seeds=2"),
    *("agent.hidden_units=4", "agent.hidden_layers=1", "agent.maturity_threshold=5", "agent.replacement_rate=0.05"),
)


@pytest.fixture
def killed(tmp_path):
    """The folder of all runs, with those that were killed."""
    return shutil.copytree(HERE / "earlier_runs", tmp_path / "runs")


@pytest.mark.parametrize(("words", "begun"), [(CARTPOLE, "step 640"), (DIGITS, "example 3024")])
def test_the_same_command_goes_on_with_an_earlier_versions_run(killed, settings_of, caplog, words, begun):
    settings = settings_of(*words, "track=off", f"out={killed}")
    with caplog.at_level("INFO", logger="plastic_rl"):
        folder = run(settings)
    assert f"Going on from {begun} of {folder.path}" in caplog.text
    before = HERE / "earlier_runs" / folder.path.relative_to(killed) / "metrics.jsonl"
    assert folder.metrics_file.read_bytes().startswith(before.read_bytes())
    record = json.loads(folder.record_file.read_text())
    assert (record["status"], record["resumes"]) == ("finished", 1)


def test_its_checkpoint_does_not_say_in_which_task_each_copy_was_and_no_task_is_written_twice(killed, settings_of):
    folder = run(settings_of(*CARTPOLE, "track=off", f"out={killed}"))
    lines = [line for line in read_metrics(folder.metrics_file) if "task/index" in line]
    assert [line["task/index"] for line in lines if "episode/return" not in line] == [0, 1, 2, 3, 4]
    assert 1 in [line["task/index"] for line in lines if line["global_step"] > 640], "a copy was still in the old task"
