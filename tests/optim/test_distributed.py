"""Two processes that train one network on different data replace the same units and stay alike."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import distributed

from plastic_rl.optim.distributed import agreed, agreed_seed
from tests.optim.networks import are_equal


def test_a_single_process_agrees_with_itself():
    tensor = torch.ones(2)
    assert agreed(tensor) is tensor
    assert agreed_seed(5) == 5


@pytest.mark.skipif(not distributed.is_gloo_available(), reason="torch was built without gloo")
def test_all_processes_replace_the_same_units_and_add_the_same_terms(tmp_path: Path):
    command = [sys.executable, "-m", "tests.optim.ddp_worker"]
    workers = [subprocess.Popen([*command, str(rank), str(tmp_path / "meet"), str(tmp_path)]) for rank in range(2)]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0]
    (replaced, first), (_, second) = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    assert replaced > 10
    assert all(are_equal(one, other) for one, other in zip(first, second, strict=True))
