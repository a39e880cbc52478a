"""Runs on streams that crash, are stopped, killed or fall ill, and what is left of them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from agents import AGENTS
from envs import ENVS
from plastic_rl.errors import RunError, RunInterruptedError
from plastic_rl.learners import OneByOne, backprop_learner
from plastic_rl.optim.budget import Budget
from plastic_rl.runs import Checkpoints, RunFolder, Track, read_metrics
from plastic_rl.streams import Plan, batches
from plastic_rl.training import train_learner
from tests.streams import small

ROOT = Path(__file__).resolve().parents[2]
QUICK = {"hidden_layers": 2, "hidden_units": 8}
EAGER = {"replacement_rate": 0.02, "maturity_threshold": 3}
DIGITS = {"tasks": 2, "examples": 40, "batch_size": 2}

# Stream and its settings, agent and its settings, seeds.
RUNS = {
    "permuted digits": ("permuted-digits", DIGITS, "sgd_cbp", EAGER, 1),
    "returning digits": ("permuted-digits", {**DIGITS, "tasks": 3, "returning": 2}, "sgd", {}, 1),
    "bit flipping": (
        "bit-flipping",
        {"tasks": 2, "examples": 40, "batch_size": 2},
        "sgd_cbp",
        {**EAGER, "mode": "lazy"},
        1,
    ),
    "split": ("split-digits", {"tasks": 4, "epochs": 2, "batch_size": 60}, "adam_cbp", EAGER, 1),
    "adam": ("label-permuted-digits", DIGITS, "adam_cbp", {**EAGER, "rounding": "bernoulli"}, 1),
    "noise": ("random-label-digits", {**DIGITS, "epochs": 2}, "sgd_shrink_perturb", {"noise_std": 1e-2}, 1),
    "head": ("permuted-digits", DIGITS, "sgd_head_reset", {"momentum": 0.9}, 1),
    "fresh networks": ("permuted-digits", DIGITS, "sgd_fresh", {"momentum": 0.9}, 1),
    "seeds": ("permuted-digits", DIGITS, "sgd_cbp", {**EAGER, "mode": "instant"}, 3),
    "seeds, adam": ("permuted-digits", DIGITS, "adam_cbp", EAGER, 2),
    "seeds, noise": ("permuted-digits", DIGITS, "sgd_shrink_perturb", {"noise_std": 1e-2, "momentum": 0.9}, 2),
}


class CrashError(Exception):
    """What the tests end a run by."""


@pytest.fixture(autouse=True)
def _few_examples_in_a_chunk(monkeypatch):
    monkeypatch.setattr(batches, "EXAMPLES_IN_A_CHUNK", 16)


def build(name):
    env, env_settings, agent, agent_settings, seeds = RUNS[name]
    streams = [ENVS[env](**env_settings).build(seed=seed, device="cpu") for seed in range(seeds)]
    return streams, AGENTS[agent](**QUICK, **agent_settings).build(streams, device="cpu")


def run(path, name, *, crash_after=None, **settings):
    """A run, as a process would do it that finds the folder as it is; it may crash before an update."""
    streams, learner = build(name)
    if crash_after is not None:
        learner.update = crashing(learner.update, crash_after)
    folder = RunFolder(path)
    folder.prepare(fresh=False)
    try:
        train_learner(streams, learner, folder, track=Track.off, **{"checkpoint_seconds": 0.0, **settings})
    finally:
        folder.release()
    return learner


def crashing(update, after):
    left = iter(range(after))

    def update_or_crash(inputs, targets, task):
        if next(left, None) is None:
            raise CrashError
        return update(inputs, targets, task)

    return update_or_crash


@pytest.mark.parametrize(("name", "seeds"), [("permuted digits", 1), ("seeds, adam", 2), ("permuted digits", 2)])
def test_a_run_says_at_its_start_what_its_methods_will_do(tmp_path, caplog, name, seeds):
    streams, learner = build(name)
    if len(streams) < seeds:
        streams, learner = streams * seeds, OneByOne([learner, build(name)[1]])
    with caplog.at_level("INFO", logger="plastic_rl"):
        train_learner(streams, learner, RunFolder(tmp_path))
    said = [record.getMessage() for record in caplog.records if record.name == "plastic_rl.training.train_learner"]
    rate, maturity = EAGER["replacement_rate"], EAGER["maturity_threshold"]
    (line,) = said
    assert line.startswith(
        f"continual backprop: first replacement at update {Budget(8, rate, maturity).first_due}, then"
    )


def test_a_run_says_that_it_ends_before_its_method_does_anything(tmp_path, caplog):
    streams = [ENVS["permuted-digits"](**DIGITS).build(seed=0, device="cpu")]
    learner = AGENTS["sgd_redo"](**QUICK, every=41).build(streams, device="cpu")
    with caplog.at_level("INFO", logger="plastic_rl"):
        train_learner(streams, learner, RunFolder(tmp_path))
    assert "The run has 40 updates, and by ReDo nothing is done before update 41. Lower every." in caplog.text


@pytest.mark.parametrize("tasks", [1, 2])
def test_a_method_that_waits_for_changes_is_named_on_a_stream_of_one_task(tmp_path, caplog, tasks):
    streams = [ENVS["permuted-digits"](tasks=tasks, examples=20, batch_size=10).build(seed=0, device="cpu")]
    with caplog.at_level("INFO", logger="plastic_rl"):
        train_learner(streams, AGENTS["sgd_fire"](**QUICK).build(streams, device="cpu"), RunFolder(tmp_path))
    assert ("FIRE acts at changes, and the stream has one task: it will do nothing." in caplog.text) is (tasks == 1)


def lines_without_times(path):
    lines = read_metrics(path / "metrics.jsonl")
    return [{name: value for name, value in line.items() if not name.startswith("time/")} for line in lines]


def same_networks(first, second):
    pairs = zip(first, second, strict=True)
    return all(torch.equal(one[name], other[name]) for one, other in pairs for name in one)


def are_equal(first, second):
    """Whether two nests of dicts, lists, tensors and plain values are the same."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(are_equal(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(
            are_equal(one, other) for one, other in zip(first, second, strict=True)
        )
    return torch.equal(first, second) if isinstance(first, torch.Tensor) else first == second


def networks(learner):
    return [network.state_dict() for network in learner.networks]


# One of each kind of learner every day.
DAILY = {"returning digits", "split", "fresh networks", "seeds", "seeds, adam"}


@pytest.mark.parametrize(
    "name", [name if name in DAILY else pytest.param(name, marks=pytest.mark.slow) for name in RUNS]
)
def test_a_run_that_crashes_in_the_middle_of_a_pass_ends_as_if_it_had_not(tmp_path, name):
    whole = run(tmp_path / "whole", name)
    position = RunFolder(tmp_path / "whole").checkpoints.latest()[1]["course"]["position"]
    saved = 0
    for _ in range(3):  # each time a little further on
        with pytest.raises(CrashError):
            run(tmp_path / "parts", name, crash_after=9)
        found = RunFolder(tmp_path / "parts").checkpoints.latest()[1]["course"]["position"]
        assert saved < found["examples"] < position["examples"]
        saved = found["examples"]
    parts = run(tmp_path / "parts", name)
    assert same_networks(networks(whole), networks(parts))
    assert lines_without_times(tmp_path / "whole") == lines_without_times(tmp_path / "parts")
    assert whole.metrics() == parts.metrics()


@pytest.mark.parametrize(("name", "chunk"), [("seeds", 16), ("split", 240)])
def test_a_run_killed_after_any_checkpoint_writes_what_it_would_have_written(tmp_path, name, chunk, monkeypatch):
    monkeypatch.setattr(batches, "EXAMPLES_IN_A_CHUNK", chunk)
    monkeypatch.setattr(Checkpoints, "_tidy", lambda self, newest: None)
    whole = run(tmp_path / "whole", name)
    checkpoints = sorted((tmp_path / "whole" / "checkpoints").iterdir())
    assert len(checkpoints) >= 3
    for checkpoint in checkpoints:
        killed = tmp_path / checkpoint.stem  # some time after the checkpoint: the metrics have gone on
        (killed / "checkpoints").mkdir(parents=True)
        shutil.copy(checkpoint, killed / "checkpoints")
        shutil.copy(tmp_path / "whole" / "metrics.jsonl", killed)
        (killed / "run.json").write_text('{"status": "running"}')
        assert same_networks(networks(whole), networks(run(killed, name)))
        assert lines_without_times(killed) == lines_without_times(tmp_path / "whole")


def test_the_best_weights_so_far_survive_a_crash(tmp_path, monkeypatch):
    def made():
        stream = small.Blobs(Plan(2, 3, 2, carries_best=True, milestones=(1,), decay=0.3), examples=23)
        return [stream], backprop_learner(small.blueprint(small.mlp), [stream])

    monkeypatch.setattr(sys.modules[__name__], "build", lambda _: made())
    whole = run(tmp_path / "whole", "")
    for crash_after in (10, 15, 20):
        with pytest.raises(CrashError):
            run(tmp_path / "parts", "", crash_after=crash_after)
    parts = run(tmp_path / "parts", "")
    assert same_networks(networks(whole), networks(parts))
    assert lines_without_times(tmp_path / "whole") == lines_without_times(tmp_path / "parts")


def test_how_often_checkpoints_are_saved_does_not_change_the_run(tmp_path):
    often, never = run(tmp_path / "a", "seeds"), run(tmp_path / "b", "seeds", checkpoint_seconds=1e9)
    assert same_networks(networks(often), networks(never))
    assert lines_without_times(tmp_path / "a") == lines_without_times(tmp_path / "b")


def test_metrics_have_the_promised_names(tmp_path):
    run(tmp_path / "classes", "split")
    names = {name for line in read_metrics(tmp_path / "classes" / "metrics.jsonl") for name in line}
    assert names >= {
        *("global_step", "seed", "task/index", "online/accuracy", "train/accuracy", "test/accuracy", "test/average"),
        *("forgetting", "transfer/backward", "units/dead", "units/dormant", "rank/srank99", "rank/effective"),
        *("rank/stable", "weights/mean_abs", "cbp/replaced", "cbp/mature", "time/seconds"),
    }
    run(tmp_path / "numbers", "bit flipping")
    assert "online/error" in read_metrics(tmp_path / "numbers" / "metrics.jsonl")[-1]


def test_each_seed_has_a_line_of_its_own(tmp_path):
    run(tmp_path, "seeds")
    lines = read_metrics(tmp_path / "metrics.jsonl")
    assert [(line["global_step"], line["task/index"], line["seed"]) for line in lines] == [
        (step, task, seed) for step, task in ((0, 0), (40, 0), (40, 1), (80, 1)) for seed in (0, 1, 2)
    ]


def test_the_same_weights_are_left_as_the_run_ended_with(tmp_path):
    learner = run(tmp_path, "seeds")
    assert same_networks(torch.load(tmp_path / "weights.pt", weights_only=True), networks(learner))
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["status"] == "finished"


def test_a_request_to_stop_saves_a_checkpoint_first(tmp_path):
    streams, learner = build("permuted digits")
    update, folder = learner.update, RunFolder(tmp_path / "stopped")

    def update_and_signal(inputs, targets, task):
        if task.index == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return update(inputs, targets, task)

    learner.update = update_and_signal
    folder.prepare(fresh=False)
    with pytest.raises(RunInterruptedError, match="Interrupted at example 56") as stopped:
        train_learner(streams, learner, folder, checkpoint_seconds=1e9)
    folder.release()
    assert stopped.value.exit_code == 128 + signal.SIGTERM
    assert json.loads(folder.record_file.read_text())["status"] == "interrupted"
    whole, rest = run(tmp_path / "whole", "permuted digits"), run(folder.path, "permuted digits")
    assert same_networks(networks(whole), networks(rest))


def spoilt_by(learner, after):
    """The learner's update, which after so many makes a weight no number."""
    update, left = learner.update, iter(range(after))

    def update_and_spoil(inputs, targets, task):
        if next(left, None) is None:
            next(learner.networks[-1].parameters()).data.fill_(torch.nan)
        return update(inputs, targets, task)

    return update_and_spoil


@pytest.mark.parametrize("name", ["permuted digits", "seeds"])
def test_numbers_gone_bad_stop_the_run_and_spare_the_last_healthy_checkpoint(tmp_path, name):
    streams, learner = build(name)
    learner.update, folder = spoilt_by(learner, 12), RunFolder(tmp_path)
    folder.prepare(fresh=False)
    with pytest.raises(RunError, match=r"Example 32: .* no longer finite") as ill:
        train_learner(streams, learner, folder, checkpoint_seconds=0.0)
    folder.release()
    assert str(folder.checkpoints.directory) in str(ill.value)
    assert "agent.learning_rate" in str(ill.value)
    step, state = folder.checkpoints.latest()
    assert (step, state["course"]["position"]["place"]) == (16, 16)
    assert json.loads(folder.record_file.read_text())["status"] == "failed"


def test_all_of_the_learner_is_looked_at_before_it_is_saved(tmp_path):
    streams, learner = build("adam")
    update, left, folder = learner.update, iter(range(12)), RunFolder(tmp_path)

    def update_and_spoil(inputs, targets, task):
        answers = update(inputs, targets, task)
        if next(left, None) is None:  # the weights stay finite, and stand still for good
            next(iter(learner.optimizer.state.values()))["exp_avg_sq"].fill_(torch.inf)
        return answers

    learner.update = update_and_spoil
    folder.prepare(fresh=False)
    with pytest.raises(RunError, match=r"Example 32: optimizer\.state\.0\.exp_avg_sq is .*agent\.learning_rate"):
        train_learner(streams, learner, folder, checkpoint_seconds=0.0)
    folder.release()
    assert folder.checkpoints.latest()[0] == 16


@pytest.mark.parametrize("name", ["inputs", "targets"])
def test_examples_that_are_no_numbers_are_not_blamed_on_the_learning_rate(tmp_path, name):
    streams, learner = build("bit flipping")
    plain_task, folder = streams[0].task, RunFolder(tmp_path)

    def spoilt_task(index):
        task = plain_task(index)
        values = getattr(task.train, name).clone()
        values[3] = torch.nan
        return replace(task, train=replace(task.train, **{name: values}))

    streams[0].task = spoilt_task
    folder.prepare(fresh=False)
    with pytest.raises(RunError, match=f": the {name} of task 0 of seed 0 are not all finite numbers") as ill:
        train_learner(streams, learner, folder)
    folder.release()
    assert "no setting of the agent mends them" in str(ill.value)
    assert "learning_rate" not in str(ill.value)


def test_numbers_that_are_bad_from_the_start_leave_nothing_to_go_on_from(tmp_path):
    streams, learner = build("permuted digits")
    learner.update, folder = spoilt_by(learner, 0), RunFolder(tmp_path)
    folder.prepare(fresh=False)
    with pytest.raises(RunError, match=r"Example 16: .* no longer finite numbers\. Nothing was saved; try a smaller"):
        train_learner(streams, learner, folder)
    folder.release()
    assert folder.checkpoints.latest() is None


def train(out, *settings):
    return [sys.executable, str(ROOT / "train.py"), f"out={out}", "track=off", "checkpoint_seconds=0.001", *settings]


def newest(out):
    return max(out.glob("*/*/*/checkpoints/step-*.pt"), default=Path("step-000000000000.pt"))


@pytest.mark.slow  # every day a run in a world is killed so, and one on a stream is cut off in the same process
@pytest.mark.parametrize("seeds", [1, 2])
def test_a_run_killed_in_the_middle_ends_with_the_same_weights(tmp_path, seeds):
    settings = ("agent=sgd_cbp", "agent.hidden_units=20", "agent.replacement_rate=1e-2", "agent.maturity_threshold=10")
    settings += ("env=permuted-digits", "env.tasks=2", "env.batch_size=16", f"seeds={seeds}")
    subprocess.run(train(tmp_path / "whole", *settings), check=True, capture_output=True)

    child = subprocess.Popen(
        train(tmp_path / "killed", *settings), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while newest(tmp_path / "killed").name < "step-000000001024":  # in the first task, of 1,437 examples
        assert child.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.wait()

    subprocess.run(train(tmp_path / "killed", *settings), check=True, capture_output=True)
    (whole,), (killed,) = (tmp_path / "whole").glob("*/*/*/"), (tmp_path / "killed").glob("*/*/*/")
    first, second = (RunFolder(path).checkpoints.latest()[1] for path in (whole, killed))
    assert are_equal(first["course"], second["course"])
    assert are_equal(first["random"]["torch"], second["random"]["torch"])
    assert lines_without_times(whole) == lines_without_times(killed)
    assert lines_without_times(whole)[-1]["cbp/replaced"] > 0
