"""Checkpoints that are not the run's own: copied in, of other shapes, or sealed and yet unreadable."""

import shutil

import numpy as np
import pytest
import torch

from launch.run import run, run_folder
from plastic_rl.errors import RunError
from plastic_rl.runs import read_metrics
from plastic_rl.runs.seal import seal

STREAM = (
    *("agent=sgd", "env=permuted-digits", "agent.hidden_layers=1", "agent.hidden_units=4"),
    *("env.tasks=2", "env.examples=12", "env.batch_size=4"),
)
WORLD = (
    *("agent=ppo", "env=permuted-cartpole", "env.n_envs=2", "total_steps=128", "agent.rollout_steps=64"),
    *("agent.minibatch_size=32", "agent.epochs=1", "agent.hidden_units=4"),
)


@pytest.fixture(scope="module")
def checkpoint_of(settings_of, tmp_path_factory):
    """Return the last checkpoint of a command's run."""
    out = tmp_path_factory.mktemp("runs")

    def latest(words):
        settings = settings_of(*words, "track=off", f"out={out}")
        folder = run_folder(settings)
        return (folder if folder.status == "finished" else run(settings)).checkpoints.latest()

    return latest


@pytest.fixture
def copied(checkpoint_of, settings_of, tmp_path):
    """Copy the checkpoint of one command to where another's would be, and run that."""

    def to(first, second, change=lambda state: state):
        settings, (step, state) = settings_of(*second, "track=off", f"out={tmp_path}"), checkpoint_of(first)
        folder = run_folder(settings)
        folder.prepare(fresh=False)
        folder.release()
        folder.checkpoints.save(step, change(state))
        return run(settings)

    return to


@pytest.mark.parametrize(
    ("words", "setting", "told"),
    [
        (STREAM, "agent.learning_rate=0.5", r"agent.learning_rate is \S+ there and 0.5 here"),
        (STREAM, "seed=7", "seed is 0 there and 7 here"),
        (STREAM, "agent.hidden_units=5", "agent.hidden_units is 4 there and 5 here"),
        (STREAM, "agent=adam", "agent_name is sgd there and adam here"),
        (WORLD, "agent.learning_rate=0.5", "agent.learning_rate is 0.001 there and 0.5 here"),
        (WORLD, "seed=7", "seed is 0 there and 7 here"),
        (WORLD, "env.change_every=3", "env.change_every is 30000 there and 3 here"),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused(copied, words, setting, told):
    with pytest.raises(RunError, match=f"is of another run: {told}"):
        copied(words, (*words, setting))


@pytest.mark.parametrize("words", [STREAM, WORLD], ids=["stream", "world"])
def test_a_checkpoint_that_does_not_say_whose_it_is_and_does_not_fit_is_refused(copied, words):
    def of_before(state):
        return {name: value for name, value in state.items() if name not in ("format", "settings")}

    with pytest.raises(RunError, match=r"does not fit this run \(.*\): it was made with other settings") as refused:
        copied(words, (*words, "agent.hidden_units=5"), of_before)
    assert len(str(refused.value).splitlines()) <= 2


def test_what_is_no_checkpoint_of_a_run_is_refused(copied):
    with pytest.raises(RunError, match=r"does not fit this run \(KeyError: 'course'\)"):
        copied(STREAM, (*STREAM, "seed=1"), lambda state: {"weights": torch.zeros(3)})


class Foreign:
    """Not of a kind that a checkpoint may hold."""


@pytest.mark.parametrize("content", [Foreign(), np.arange(3), [1, 2], None], ids=lambda content: type(content).__name__)
def test_a_sealed_but_unreadable_newest_checkpoint_falls_back_to_the_one_before(settings_of, tmp_path, content, caplog):
    settings = settings_of(*STREAM, "track=off", f"out={tmp_path}")
    folder = run(settings)
    lines = read_metrics(folder.metrics_file)
    with folder.checkpoints.path(999).open("w+b") as file:
        torch.save(content, file)
        seal(file)
    shutil.copy(folder.weights_file, tmp_path / "weights.pt")
    folder.weights_file.unlink()
    run(settings)
    assert "step-000000000999.pt is damaged" in caplog.text
    ours, theirs = (torch.load(path, weights_only=True) for path in (folder.weights_file, tmp_path / "weights.pt"))
    assert all(torch.equal(ours[0][name], theirs[0][name]) for name in theirs[0])
    assert read_metrics(folder.metrics_file) == lines
