"""Sweeps by Ray on a cluster of two nodes, and by submitit on this machine, whose workers are killed or put back."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.commands import WORLD, are_equal, finish, folder_of, start, what_is_left
from tests.faults.test_killed_workers import folders, gone, training

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SWEEP = ("-m", *WORLD, "seed=range(4)")


CLUSTER = """
from ray.cluster_utils import Cluster
memory = {"object_store_memory": 80 * 2**20}
nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False, **memory})
nodes.add_node(num_cpus=1, **memory)
print("address", nodes.address, flush=True)
input()
nodes.shutdown()
"""


@pytest.fixture(scope="module")
def cluster():
    """The address of a cluster of two nodes of one core each."""
    pytest.importorskip("ray")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    quiet = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
    with subprocess.Popen([sys.executable, "-c", CLUSTER], env=quiet, **pipes) as process:
        yield next(line.split()[1] for line in process.stdout if line.startswith("address"))
        process.communicate("\n", timeout=60)


def test_four_runs_on_two_nodes_of_ray_of_which_one_is_killed_all_finish(cluster, tmp_path: Path, counted):
    process = start(tmp_path / "sweep", (*SWEEP, "launcher=ray", f"launcher.address={cluster}"))
    seed, worker = next(iter(training(tmp_path / "sweep", process).items()))
    os.kill(worker, signal.SIGKILL)
    out, error = process.communicate(timeout=400)
    assert process.returncode == 0, error
    assert out.count("finished, 12,288 steps") == 4
    assert "return over 12,288 environment steps" in out
    killed = folders(tmp_path / "sweep")[seed]
    processes = killed.console_file.read_text().count("--- ")
    assert processes == 2
    assert finish(tmp_path / "alone", (*WORLD, f"seed={seed}"))[0] == 0
    (tmp_path / "of" / "a" / "b").mkdir(parents=True)
    (tmp_path / "of" / "a" / "b" / "c").symlink_to(killed.path)
    assert are_equal(what_is_left(tmp_path / "of"), what_is_left(tmp_path / "alone"))
    counted("worker of Ray killed", runs=4, nodes=2, processes_of_the_killed_run=processes, equal="bit for bit")


def test_a_sweep_on_ray_stops_with_checkpoints_and_goes_on(cluster, tmp_path: Path, counted):
    words = (*SWEEP, "total_steps=40_960", "seed=range(2)", "launcher=ray", f"launcher.address={cluster}")
    process = start(tmp_path, words)
    workers = training(tmp_path, process, 2)
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=100)[1]
    assert process.returncode == 130, error
    assert "0 of 2 runs are finished; the same command goes on with the others" in error
    assert all(gone(worker) for worker in workers.values())
    assert {folder.status for folder in folders(tmp_path).values()} == {"interrupted"}
    code, error = finish(tmp_path, words)
    assert code == 0, error
    counted("SIGINT to a sweep on Ray", exit_code=130, workers_left=0)


def test_an_address_where_no_cluster_answers_is_named(tmp_path: Path):
    pytest.importorskip("ray")
    code, error = finish(tmp_path, (*SWEEP, "launcher=ray", "launcher.address=127.0.0.1:1"))
    assert code == 2
    assert "launcher.address=127.0.0.1:1: no Ray cluster answers there" in error


SLURM = ("launcher=slurm", "launcher.cluster=local")


def test_a_job_that_is_put_back_into_the_queue_goes_on(tmp_path: Path, counted):
    pytest.importorskip("submitit")
    process = start(tmp_path / "sweep", (*SWEEP, "seed=range(2)", "jobs=2", *SLURM, "checkpoint_seconds=300"))
    seed, worker = next(iter(trained(tmp_path / "sweep", process).items()))
    os.kill(worker, signal.SIGUSR2)  # as Slurm does before the time is over, and when it needs the place
    out, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    assert out.count("finished, 12,288 steps") == 2
    put_back = folders(tmp_path / "sweep")[seed]
    console = put_back.console_file.read_text()
    assert console.count("--- ") == 2
    stopped_at = int(console.partition("Interrupted at step ")[2].partition(";")[0])
    assert f"Going on from step {stopped_at} of" in console
    assert stopped_at > 0
    assert finish(tmp_path / "alone", (*WORLD, f"seed={seed}"))[0] == 0
    (tmp_path / "of" / "a" / "b").mkdir(parents=True)
    (tmp_path / "of" / "a" / "b" / "c").symlink_to(put_back.path)
    assert are_equal(what_is_left(tmp_path / "of"), what_is_left(tmp_path / "alone"))
    counted("job of submitit put back", resumed_at_step=stopped_at, equal="bit for bit")


def test_a_job_whose_time_is_over_goes_on(tmp_path: Path, counted):
    pytest.importorskip("submitit")
    long = ("-m", *WORLD[:3], "total_steps=2_000_000", *WORLD[4:])
    began = time.monotonic()
    process = start(tmp_path, (*long, *SLURM, "launcher.minutes=2", "checkpoint_seconds=300"))
    error = process.communicate(timeout=500)[1]
    assert process.returncode == 0, error
    console = folder_of(tmp_path).console_file.read_text()
    processes = console.count("--- ")
    assert processes > max(1, (time.monotonic() - began) // 180)  # each is told after 90 s, and has 30 s to save
    stops = re.findall(r"Interrupted at step (\d+);", console)
    assert re.findall(r"Going on from step (\d+) of", console) == stops
    counted("job of submitit out of time", processes=processes, resumed_at_steps=" and ".join(stops))


def test_a_run_that_fails_in_a_job_is_named(tmp_path: Path):
    pytest.importorskip("submitit")
    stream = ("agent=sgd", "env=permuted-digits", "env.tasks=2", "env.examples=20", "agent.hidden_layers=1")
    code, error = finish(tmp_path, ("-m", *stream, "agent.learning_rate=1e30,0.1", *SLURM))
    assert code == 1
    assert "1 of 2 runs failed:\nagent.learning_rate=1e+30: Example" in error


def trained(out: Path, process) -> dict[int, int]:
    """The process of each run that has learned from a rollout."""
    while True:
        assert process.poll() is None, process.communicate()
        on = {
            seed: int(folder.lock_file.read_text().split()[1])
            for seed, folder in folders(out).items()
            if folder.metrics_file.stat().st_size > 1000 and folder.status == "interrupted"
        }
        if on:
            return on
        time.sleep(0.02)
