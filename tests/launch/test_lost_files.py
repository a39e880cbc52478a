"""What a run leaves and then loses: made again where it can be, else said; a finished run lacks nothing."""

import json
import shutil
from importlib import import_module

import pytest
import torch

from launch.run import run
from plastic_rl.errors import RunError
from plastic_rl.runs import read_metrics

STREAM = (
    *("agent=sgd", "env=permuted-digits", "agent.hidden_layers=1", "agent.hidden_units=4"),
    *("env.tasks=2", "env.examples=12", "env.batch_size=4"),
)
WORLD = (
    *("agent=ppo", "env=permuted-cartpole", "env.n_envs=2", "total_steps=128", "agent.rollout_steps=64"),
    *("agent.minibatch_size=32", "agent.epochs=1", "agent.hidden_units=4"),
)
RESULTS = {STREAM: "weights.pt", WORLD: "model.zip"}


@pytest.fixture(params=[STREAM, WORLD], ids=["stream", "world"])
def words(request):
    return request.param


@pytest.fixture
def again(words, settings_of, tmp_path):
    """Run the same command, once more or for the first time."""
    return lambda *more: run(settings_of(*words, "track=off", f"out={tmp_path}", *more))


class KilledError(BaseException):
    """A kill."""


def test_a_run_killed_before_its_picture_is_drawn_has_it_after_the_same_command(again, monkeypatch, capsys):
    def killed(*_):
        raise KilledError

    monkeypatch.setattr(import_module("plastic_rl.sb3.train_model"), "draw_learning_curve", killed)
    monkeypatch.setattr(import_module("plastic_rl.training.train_learner"), "draw_task_curve", killed)
    with pytest.raises(KilledError):
        again()
    monkeypatch.undo()
    folder = again()
    assert folder.picture_file.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    said = capsys.readouterr().out.splitlines()
    assert said[-2] == "already finished: learning_curve.png made again"
    assert again().status == "finished"
    assert "already finished: " in capsys.readouterr().out


def test_a_picture_on_a_full_disk_is_told_and_no_half_of_it_stays(again, monkeypatch, tmp_path):
    from matplotlib.figure import Figure

    def half(figure, file, **_):
        file.write(b"\x89PNG half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", half)
    with pytest.raises(RunError, match=r"learning_curve.png not written: No space"):
        again()
    assert not list(tmp_path.rglob("*.partial")) + list(tmp_path.rglob("*.png"))
    monkeypatch.undo()
    assert again().picture_file.stat().st_size > 1000


@pytest.mark.parametrize("empty", [True, False])
def test_a_result_that_is_gone_is_made_again_from_the_last_checkpoint(again, words, empty):
    folder = again()
    result, lines = folder.path / RESULTS[words], read_metrics(folder.metrics_file)
    weights = torch.load(result, weights_only=True) if words is STREAM else None
    result.write_bytes(b"") if empty else result.unlink()
    again()
    assert result.stat().st_size > 1000
    assert weights is None or all(torch.equal(*pair) for pair in zip(*map(values, (weights, result)), strict=True))
    assert read_metrics(folder.metrics_file) == lines


def values(weights):
    loaded = weights if isinstance(weights, list) else torch.load(weights, weights_only=True)
    return [tensor for network in loaded for tensor in network.values()]


def test_what_cannot_be_made_again_is_said_and_nothing_is_touched(again, words):
    folder = again()
    folder.metrics_file.unlink()
    with pytest.raises(RunError, match=r"finished, but has lost metrics.jsonl; .*\nfresh=true trains again"):
        again()
    assert (folder.path / RESULTS[words]).exists()
    assert again("fresh=true").metrics_file.exists()
    shutil.rmtree(folder.checkpoints.directory)
    (folder.path / RESULTS[words]).unlink()
    with pytest.raises(RunError, match=f"has lost {RESULTS[words]}"):
        again()
    assert folder.metrics_file.exists()


def test_a_run_that_has_lost_its_checkpoints_says_that_it_starts_over(again, caplog):
    folder = again()
    record = json.loads(folder.record_file.read_text())
    folder.record_file.write_text(json.dumps({**record, "status": "interrupted"}))
    shutil.rmtree(folder.checkpoints.directory)
    again()
    assert "but has no checkpoint: starting over" in caplog.text


def test_a_folder_deleted_in_mid_run_is_noticed_and_not_made_again(again, monkeypatch):
    from plastic_rl.runs.metrics import MetricsFile

    plain, deleted = MetricsFile.write, []

    def write_and_delete(metrics, step, values):
        plain(metrics, step, values)
        if step > 0 and not deleted:
            deleted.append(metrics.path.parent)
            shutil.rmtree(metrics.path.parent)

    monkeypatch.setattr(MetricsFile, "write", write_and_delete)
    with pytest.raises(RunError, match=r"s.jsonl is gone: its folder was deleted or moved"):
        again("checkpoint_seconds=1e-9")
    assert not deleted[0].exists()


def test_a_folder_that_was_replaced_by_another_is_noticed_too(again, monkeypatch):
    from plastic_rl.runs.metrics import MetricsFile

    plain, copied = MetricsFile.write, []

    def write_and_replace(metrics, step, values):
        plain(metrics, step, values)
        if step > 0 and not copied:
            folder = metrics.path.parent
            copied.append(shutil.copytree(folder, folder.with_name("copy")))
            shutil.rmtree(folder)
            copied[0].rename(folder)

    monkeypatch.setattr(MetricsFile, "write", write_and_replace)
    with pytest.raises(RunError, match=r"metrics.jsonl is gone"):
        again("checkpoint_seconds=1e-9")
