"""Hand-made runs."""

import json
from base64 import b64decode

import pytest
import yaml


@pytest.fixture
def write_run(tmp_path):
    """Writes the folder of a run of plastic_rl: an episode every ten steps, with the returns given."""

    def write(agent, seed, returns, *, period=None, digest="0123456789", **settings):
        folder = tmp_path / "runs" / "some-world" / agent / f"{digest}-s{seed}"
        folder.mkdir(parents=True)
        tree = {"agent": {"learning_rate": 0.1, **settings}, "env": {"n_envs": 1}, "seed": seed, "out": str(tmp_path)}
        (folder / "config.yaml").write_text(yaml.safe_dump(tree))
        (folder / "run.json").write_text(json.dumps({"status": "finished", "seconds": 60.0}))
        with (folder / "metrics.jsonl").open("w") as file:
            for place, value in enumerate(returns, 1):
                if period and (10 * place - 1) % period < 10:  # the reset that begins a task
                    file.write(json.dumps({"global_step": 10 * place - 9, "task/index": 10 * place // period}) + "\n")
                line = {"global_step": 10 * place, "episode/return": value, "units/dormant": place / 100}
                if period:
                    line["task/index"] = (10 * place - 1) // period
                file.write(json.dumps(line) + "\n")
        return folder

    return write


GIF = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
"""A film of one frame of one pixel."""


@pytest.fixture
def filmed(runs):
    """The same two agents, one run of which was filmed."""
    next(runs.glob("some-world/good/*-s1")).joinpath("before_and_after.gif").write_bytes(GIF)
    return runs


@pytest.fixture
def runs(write_run, tmp_path):
    """Two agents with two seeds each: `good` has 3 more than `bad`."""
    for seed in (0, 1):
        write_run("bad", seed, [1.0 + seed] * 20, period=100)
        write_run("good", seed, [4.0 + seed] * 20, period=100)
    return tmp_path / "runs"
