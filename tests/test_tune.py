"""The search for better settings, with an engine that trains nothing, and once for real."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

import pytest

pytest.importorskip("optuna")

import experiments.tune
import experiments.tuning.search
from experiments.tune import main
from experiments.tuning.confirmation import arms, unseen_seeds
from experiments.tuning.request import requested
from experiments.tuning.scores import score
from experiments.tuning.search import Search
from experiments.tuning.study import PROCESS, open_study
from launch.sweeps.work import Ending
from plastic_rl.errors import RunError, UserError
from plastic_rl.runs import Interruption
from tests.launch.in_this_process import InThisProcess, leave_out_pictures

ROOT = Path(__file__).parents[1]
DIGITS = (
    *("agent=sgd", "env=permuted-digits", "agent.hidden_layers=1", "agent.hidden_units=4", "env.tasks=2"),
    *("env.examples=20", "env.batch_size=10", "track=off"),
)
GONE = "999999999 on "


class Played:
    """An engine whose jobs have scores that are given; two at a time, a tenth of life at each look."""

    def __init__(self, monkeypatch, scores, endings=None):
        self.on, self.stopped, self.tried = [], [], []
        self._scores, self._endings, self._tenths = deque(scores), endings or {}, {}
        monkeypatch.setattr(experiments.tuning.search, "tenths_of", lambda job: self._tenths[job.name])
        monkeypatch.setattr(experiments.tuning.search, "score", lambda job, tenths=10: self._worth[job.name])
        self._worth = {}

    @property
    def room(self):
        return 2 - len(self.on)

    def begin(self, jobs):
        for job in jobs:
            self.on.append(job)
            self.tried.append([word for word in job.words if word.startswith("agent.learning_rate")])
            self._tenths[job.name], self._worth[job.name] = 0, self._scores.popleft()

    def ended(self, seconds):
        for job in list(self.on):
            self._tenths[job.name] += 1
            if job.name in self.stopped or self._tenths[job.name] == 10:
                self.on.remove(job)
                yield job, self._endings.get(job.name, Ending(143 if job.name in self.stopped else 0))

    def stop_one(self, job):
        self.stopped.append(job.name)

    def stop(self, number):
        self.stopped += [job.name for job in self.on]


@pytest.fixture
def request_of(tmp_path):
    return lambda *words: requested([*DIGITS, f"out={tmp_path}", *words])


def searched(request, engine):
    study = open_study(request)
    with Interruption() as interruption:
        Search(request, study, engine).run(interruption)
    return study


def test_what_falls_behind_is_given_up_and_the_best_is_found(request_of, monkeypatch):
    engine = Played(monkeypatch, [5.0, 6.0, 7.0, 8.0, 9.0, 1.0, 10.0, 2.0])
    study = searched(request_of("trials=8"), engine)
    assert engine.stopped == ["trial 7"]  # of the first five, and who goes with them, none is
    assert [trial.number for trial in study.trials if trial.state.name == "PRUNED"] == [7]
    assert study.trials[7].last_step == 2
    assert study.best_trial.number == 6
    assert study.trials[0].params == request_of().own_values  # the recipe's own come first
    assert searched(request_of("trials=8"), engine).best_trial.number == 6  # nothing is left to be tried


def test_trials_whose_process_is_gone_are_tried_again(request_of, monkeypatch):
    study = open_study(request_of("trials=2"))
    trial = study.ask()
    learning_rate = trial.suggest_float("learning_rate", 1e-4, 0.3, log=True)
    trial.suggest_categorical("weight_decay", [0.0, 1e-5, 1e-4, 1e-3, 1e-2])
    trial.set_user_attr(PROCESS, GONE + os.uname().nodename)
    engine = Played(monkeypatch, [1.0, 2.0])
    study = searched(request_of("trials=2"), engine)
    assert engine.tried[0] == [f"agent.learning_rate={learning_rate}"]
    assert [trial.state.name for trial in study.trials] == ["FAIL", "COMPLETE", "COMPLETE"]


def test_a_search_whose_trials_all_fail_ends_and_says_why(request_of, monkeypatch):
    bad = Ending(1, "Example 20: the outputs are no longer finite numbers.")
    engine = Played(monkeypatch, [0.0] * 9, {f"trial {number}": bad for number in range(9)})
    with pytest.raises(RunError, match="The first 3 trials failed, the last with: Example 20"):
        searched(request_of("trials=9", "pruner=none"), engine)


def test_a_search_that_is_asked_to_stop_leaves_its_trials_to_the_next_command(request_of, monkeypatch):
    engine = Played(monkeypatch, [1.0, 2.0, 3.0, 4.0])
    study = open_study(request_of("trials=2"))
    with Interruption() as interruption:
        interruption.signal = signal.SIGINT
        Search(request_of("trials=2"), study, engine).run(interruption)
        assert study.trials[0].state.name == "WAITING"
        interruption.signal = None
        monkeypatch.setattr(
            engine, "stop_one", lambda job: setattr(interruption, "signal", signal.SIGTERM), raising=True
        )
        engine.begin, begin = lambda jobs: (begin(jobs), setattr(interruption, "signal", signal.SIGINT)), engine.begin
        Search(request_of("trials=2"), study, engine).run(interruption)
    assert engine.stopped == ["trial 0"]
    assert study.trials[0].state.name == "RUNNING"
    engine.begin = begin
    again = searched(request_of("trials=2"), engine)
    assert [trial.state.name for trial in again.trials] == ["FAIL", "COMPLETE", "COMPLETE"]
    assert again.trials[1].params == again.trials[0].params


def test_a_small_search_from_the_command_to_the_table(monkeypatch, tmp_path, capsys):
    leave_out_pictures(monkeypatch)
    monkeypatch.setattr(experiments.tune, "_pool", lambda request: Trained())
    command = [*DIGITS, f"out={tmp_path}", "trials=2", "confirm=1", "over=[learning_rate]", "seed=3"]
    assert main(command) == 0
    folder = tmp_path / "permuted-digits" / "sgd"
    rows = list(csv.DictReader((folder / "trials.csv").read_text().splitlines()))
    assert [(row["trial"], row["state"]) for row in rows] == [("0", "complete"), ("1", "complete")]
    assert float(rows[0]["learning_rate"]) == pytest.approx(requested(command).own.runs[0].agent.learning_rate)
    assert "weight_decay" not in rows[0]
    out = capsys.readouterr().out
    best = max(rows, key=lambda row: float(row["score"]))
    table = list(csv.DictReader((folder / "confirmation.csv").read_text().splitlines()))
    assert [row[""] for row in table] == (
        ["the recipe's own", "found"] if best["trial"] == "1" else ["the recipe's own"]
    )
    assert "On seeds that the search has not seen" in out
    assert {int(path.name.rpartition("-s")[2]) for path in folder.glob("*-s*")} == {3, 4}
    assert float(best["score"]) == pytest.approx(score(arms(requested(command), {})["found"][0]) or 0, abs=1)
    assert main(command) == 0
    assert "trial" not in capsys.readouterr().out.partition("Best of 2")[0]


class Trained(InThisProcess):
    """Trains in this process; a job ends before there is room for the next."""

    @property
    def room(self):
        return 1 - len(self._ended)

    @property
    def on(self):
        return [job for job, _ in self._ended]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("seed=0,1",), "A search has one agent in one world, and the command gives 2"),
        (
            ("over=[hidden_units]",),
            "over=hidden_units is given, or has no space in agents/search.py; there are lea",
        ),
        (("agent.learning_rate=0.1", "agent.weight_decay=0"), "There is nothing to search"),
        (("trials=0",), "trials must be at least 1, got 0"),
        (("pruner=best",), "pruner must be one of median, hyperband, none, got best"),
    ],
)
def test_a_search_that_cannot_be_is_refused(words, told, capsys):
    assert main([*DIGITS, *words]) == 2
    assert told in capsys.readouterr().err


def test_optuna_is_named_with_its_extra_where_it_is_missing(request_of, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r"experiments.tune needs optuna, .* \(the extra 'tune'\)"):
        open_study(request_of())


def test_confirmation_has_seeds_that_the_search_has_not():
    words = ("agent=ppo", "env=permuted-cartpole", "seed=2", "seeds=3", "confirm=4", "out=.")
    assert unseen_seeds(requested(words)) == range(5, 9)
    assert [job.runs[0].seed for job in arms(requested(words), {"learning_rate": 1e-3})["found"]] == [5, 6, 7, 8]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_search_by_two_processes_survives_kill_9_and_confirms_what_it_found(tmp_path):
    words = (
        *("agent=ppo_cbp", "env=permuted-cartpole", "env.n_envs=4", "total_steps=12_288", "env.change_every=1_500"),
        *("agent.rollout_steps=512", "agent.epochs=2", "agent.hidden_units=16", "track=off", f"out={tmp_path}"),
        *("checkpoint_seconds=0.001", "trials=8", "jobs=2", "confirm=2"),
    )
    command = [sys.executable, "-m", "experiments.tune", *words]
    folder = tmp_path / "permuted-cartpole" / "ppo_cbp"
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        ended = [process.stdout.readline() for _ in range(3)]
        process.kill()
    assert all(line.startswith("trial ") for line in ended), ended
    while any(is_training(path) for path in folder.glob("*/run.lock")):
        time.sleep(0.1)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader((folder / "trials.csv").read_text().splitlines()))
    states = [row["state"] for row in rows]
    assert states.count("complete") + states.count("pruned") == 8
    revived = [row for row in rows if row["state"] == "fail"]
    again = [row for row in rows if row["state"] != "fail"]
    assert all(any(row["learning_rate"] == other["learning_rate"] for other in again) for row in revived)
    table = list(csv.DictReader((folder / "confirmation.csv").read_text().splitlines()))
    assert [row["runs"] for row in table] == ["2"] * len(table)
    assert (folder / "confirmation.png").is_file()


def is_training(lock):
    try:
        os.kill(int(lock.read_text().split()[1]), 0)
    except ProcessLookupError:
        return False
    return True
