"""The launchers beside the pool, as far as nothing is launched."""

import signal
import socket
import sys

import pytest

from launch.command_line import main
from launch.sweeps.on_ray import _knock
from launch.sweeps.on_slurm import SlurmEngine, parameters
from launch.sweeps.words import Local, OnSlurm, taken_from


def test_who_trains_the_runs_is_said_in_words_of_its_own():
    assert taken_from(["-m", "seed=1", "jobs=3"]) == (Local(jobs=3), ["-m", "seed=1"])
    words = ["launcher=slurm", "launcher.partition=gpu", "launcher.additional.qos=long", "jobs=20"]
    assert taken_from(words) == (OnSlurm(jobs=20, partition="gpu", additional={"qos": "long"}), [])


@pytest.mark.parametrize(("launcher", "package"), [("ray", "ray"), ("slurm", "submitit")])
def test_an_engine_that_is_not_installed_is_named_with_its_extra(launcher, package, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, package, None)
    assert main(["-m", "agent=sgd", "env=permuted-digits", f"out={tmp_path}", f"launcher={launcher}"]) == 2
    error = capsys.readouterr().err
    assert f"launcher={launcher} needs {package}, which is not installed (the extra '{launcher}')" in error
    assert list(tmp_path.iterdir()) == []


def test_an_address_where_no_cluster_answers_is_named_at_once():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="refused"):
            _knock(f"127.0.0.1:{nobody.getsockname()[1]}")
    _knock("auto")
    _knock(None)


def test_slurm_is_told_what_a_run_takes():
    launcher, _ = taken_from(
        ["launcher=slurm", "launcher.gpus=1", "launcher.minutes=2", "launcher.account=lab", "jobs=5"]
    )
    assert parameters(launcher) == {
        "timeout_min": 2,
        "cpus_per_task": 1,
        "gpus_per_node": 1,
        "mem_gb": 4,
        "slurm_job_name": "plastic_rl",
        "slurm_signal_delay_s": 60,  # half of the time, so that there is some to train in
        "slurm_account": "lab",
        "slurm_array_parallelism": 5,
    }


class FakeJob:
    """A job of submitit that goes on until it is cancelled."""

    is_cancelled = False

    def done(self):
        return self.is_cancelled

    def cancel(self, check):
        self.is_cancelled = True

    def result(self):
        raise RuntimeError("Job 7\nwas cancelled.\nIts log follows.")

    class paths:
        stderr = "7.err"


@pytest.mark.parametrize(
    ("number", "told"), [(signal.SIGINT, "Job 7 was cancelled. (7.err"), (signal.SIGHUP, "left to Slurm")]
)
def test_ctrl_c_cancels_slurms_jobs_and_a_lost_connection_leaves_them(number, told):
    engine = SlurmEngine.__new__(SlurmEngine)
    engine._jobs, engine._left = {FakeJob(): "job"}, None
    assert list(engine.ended(0)) == []
    engine.stop(number)
    ((job, ending),) = engine.ended(0)
    assert job == "job"
    assert ending.told.startswith(told)
    assert engine.on == []
