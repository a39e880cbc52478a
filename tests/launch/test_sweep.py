"""Commands with `-m`: what they are worked out to, what they say in the end, and what the next time has to do."""

import json

import pytest

import launch.sweeps.sweep
from launch.command_line import main
from launch.settings import register
from launch.sweeps.plan import jobs_of
from launch.sweeps.work import FAILED, Ending, Order, train
from plastic_rl.errors import UserError
from plastic_rl.runs import RunFolder, standing_in
from tests.launch.in_this_process import InThisProcess, leave_out_pictures

SMALL = (
    *("env=permuted-digits", "agent.hidden_layers=1", "agent.hidden_units=4", "env.tasks=2", "env.examples=20"),
    *("env.batch_size=10", "track=off"),
)


@pytest.fixture
def engine(monkeypatch):
    leave_out_pictures(monkeypatch)
    made = InThisProcess()
    monkeypatch.setattr(launch.sweeps.sweep, "engine_of", lambda launcher, jobs: made)
    return made


def test_runs_are_trained_compared_and_not_trained_again(engine, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["-m", "agent=sgd,sgd_l2", "seed=range(2)", *SMALL]
    assert main(command) == 0
    names = [f"agent={agent} seed={seed}" for agent in ("sgd", "sgd_l2") for seed in (0, 1)]
    assert engine.begun == names
    out = capsys.readouterr().out
    assert f"[4/4] {names[-1]}: finished, 40 examples" in out
    table = [line.split() for line in out.splitlines() if line.strip().startswith("sgd")]
    assert [line[:2] for line in table] == [["sgd", "2"], ["sgd_l2", "2"]]
    assert "P(better than sgd)" in out
    assert "runs/permuted-digits/comparison.png" in out
    assert (tmp_path / "runs/permuted-digits/comparison.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in tmp_path.iterdir()} == {"runs"}

    first = next(path for path in tmp_path.glob("runs/*/sgd/*-s0"))
    assert "20 examples" not in (first / "console.txt").read_text()
    assert "40 examples" in (first / "console.txt").read_text()
    assert json.loads((first / "run.json").read_text())["command"].startswith("python train.py agent=sgd seed=0 env=")
    standing = standing_in(RunFolder(first).standing_file)
    assert (standing.step, standing.total, standing.percent) == (40, 40, 100)

    (first / "run.json").write_text(json.dumps({"status": "interrupted"}))
    assert main(command) == 0
    assert engine.begun == [*names, "agent=sgd seed=0"]
    assert capsys.readouterr().out.count("already finished") == 3


def test_what_failed_is_named_with_its_reason_and_the_rest_is_trained(engine, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["-m", "agent=sgd", "agent.learning_rate=1e30,0.1", *SMALL]) == FAILED
    output = capsys.readouterr()
    assert "1 of 2 runs failed:\nagent.learning_rate=1e+30: Example" in output.err
    assert "console.txt has all that it said" in output.err
    assert "[2/2] agent.learning_rate=0.1: finished" in output.out
    assert "The same command trains what is missing" in output.out
    assert (tmp_path / "runs/permuted-digits/comparison.png").exists()


def test_all_runs_are_checked_before_any_begins(engine, tmp_path, capsys):
    assert main(["-m", "agent=sgd", "agent.learning_rate=0.1,-1", f"out={tmp_path}", *SMALL]) == 2
    assert "agent.learning_rate must be above 0, got -1" in capsys.readouterr().err
    assert engine.begun == []
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_another_process_has_stops_its_run_alone(engine, tmp_path, capsys):
    register()
    (job, _) = jobs_of(["agent=sgd", "seed=0,1", f"out={tmp_path}", *SMALL])
    (folder,) = job.folders
    folder.prepare(fresh=False)
    assert main(["-m", "agent=sgd", "seed=0,1", f"out={tmp_path}", "fresh=true", *SMALL]) == FAILED
    folder.release()
    assert engine.begun == ["seed=1"]
    assert "1 of 2 runs failed:\nseed=0: Another process" in capsys.readouterr().err


def test_starting_over_is_done_once_however_often_a_run_is_tried(engine, tmp_path):
    main(["-m", "agent=sgd", f"out={tmp_path}", *SMALL])
    (job,) = jobs_of(["agent=sgd", f"out={tmp_path}", *SMALL, "fresh=true"])
    (folder,) = job.folders
    assert folder.status == "finished"
    assert not job.is_done
    begun = job.begin()
    assert folder.status == "new"
    assert begun.words[-1] == "fresh=false"
    assert train(Order.of(begun)) == train(Order.of(begun)) == Ending(0)
    assert (folder.path / "console.txt").read_text().count("already finished") == 1


def test_a_run_that_is_asked_for_twice_is_trained_once():
    register()
    assert [
        job.name for job in jobs_of(["agent=sgd", "seed=range(9)", "checkpoint_seconds=1,2", "seed=1,0", *SMALL])
    ] == [
        "seed=1 checkpoint_seconds=1",
        "seed=0 checkpoint_seconds=1",
    ]
    cartpole = ["agent=ppo", "env=permuted-cartpole", "seed=0,1", "seeds=2"]
    with pytest.raises(UserError, match=r"seed=0 and seed=1 have runs in common"):
        jobs_of(cartpole)


@pytest.mark.slow  # all agents are made known
def test_values_of_a_sweep_may_be_a_pattern():
    register()
    assert [job.name for job in jobs_of(["agent=glob(sgd_l*)", *SMALL])][:2] == ["agent=sgd_l2", "agent=sgd_l2_init"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["jobs=2"], "jobs=2 is for several runs: add -m"),
        (["launcher=ray"], "launcher=ray is for several runs: add -m"),
        (["hydra.mode=MULTIRUN"], "hydra.mode=MULTIRUN is for several runs: add -m"),
        (["-m", "launcher=slumr"], "There is no launcher=slumr. Did you mean launcher=slurm?"),
        (["-m", "jobs=0"], "launcher.jobs must be at least 1, got 0"),
        (["-m", "jobs=many"], "launcher.jobs must be a whole number"),
        (["-m", "launcher.partition=gpu"], "There is no setting launcher.partition"),
        (["-m", "job=2"], "There is no setting job. Did you mean jobs?"),
        (["-m", "hydra/launcher=basic"], "'hydra/launcher=basic' is Hydra's own"),
        (["-m", "--cfg", "job"], "--cfg is for one run"),
        (["-m", "seed=interval(0,1)"], "'seed=interval(0,1)' has no end of values"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused(words, told, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["agent=sgd", *SMALL, *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith(told)
    assert error.count("\n") <= 2
    assert list(tmp_path.iterdir()) == []
