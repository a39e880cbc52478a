"""Compiled networks learn what eager ones do, to rounding."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SCRIPT = """
import sys
from functools import partial

import torch
from tests.streams.small import Blobs, blueprint, go_through, mlp

from plastic_rl.optim import ContinualBackprop
from plastic_rl.learners import backprop_learner
from plastic_rl.streams import Plan


continual = partial(ContinualBackprop, replacement_rate=0.05, maturity_threshold=2)


method, seeds = {"plain": None, "cbp": continual}[sys.argv[1]], int(sys.argv[2])
streams = [Blobs(Plan(2, batch_size=4), seed, examples=24) for seed in range(seeds)]
made = [blueprint(mlp, plasticity=method, compiles=compiles) for compiles in (False, True)]
learners = [backprop_learner(each, streams) for each in made]
for learner in learners:
    go_through(streams, learner)
for eager, compiled in zip(*(learner.networks for learner in learners), strict=True):
    torch.testing.assert_close(eager.state_dict(), compiled.state_dict(), atol=1e-5, rtol=1e-4)
print(torch._dynamo.utils.counters["frames"]["ok"], [numbers.get("cbp/replaced") for numbers in learner.metrics()])
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "seeds", "replaced"),
    [("plain", 1, "[None]"), ("cbp", 1, "[6]"), ("plain", 2, "[None, None]"), ("cbp", 2, "[6, 6]")],
)
def test_a_compiled_network_learns_the_same_to_rounding(method, seeds, replaced):
    # In a process of its own, because the type checker of the tests cannot be compiled.
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, method, str(seeds)]
    paths = os.pathsep.join([str(HERE.parents[1]), str(HERE)])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    frames, _, counted = done.stdout.strip().partition(" ")
    assert int(frames) > 0
    assert counted == replaced
