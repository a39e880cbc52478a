"""Every generator goes on where it was."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from plastic_rl.errors import UserError
from plastic_rl.runs import Checkpoints, random_state, restore_random_state, seed_everything


@pytest.fixture(autouse=True)
def _leave_the_generators_alone():
    before = random_state()
    yield
    restore_random_state(before)


def draw() -> list[float]:
    """Draws of both kinds: gauss() and standard_normal() keep a second number for later."""
    return [
        random.random(),
        random.gauss(0, 1),
        float(np.random.rand()),  # noqa: NPY002
        float(np.random.standard_normal()),  # noqa: NPY002
        float(torch.rand(())),
        float(torch.randn(())),
    ]


def test_a_seed_means_the_same_numbers():
    seed_everything(3)
    first = draw()
    seed_everything(4)
    assert draw() != first
    seed_everything(3)
    assert draw() == first
    assert first[0] == random.Random(3).random()
    assert first[2] == np.random.RandomState(3).rand()


def test_a_round_trip_through_a_checkpoint_goes_on_exactly(tmp_path: Path):
    seed_everything(5)
    draw()  # leaves half a pair of normal numbers in two generators
    state = random_state()
    expected = [draw() for _ in range(700)]  # further than one block of the Mersenne twister
    # Saved only now: beartype, in tests, picks the items that it checks with Python's global generator.
    Checkpoints(tmp_path).save(1, {"random": state})
    seed_everything(99)
    restore_random_state(Checkpoints(tmp_path).latest()[1]["random"])
    assert [draw() for _ in range(700)] == expected


def test_taking_the_state_draws_nothing():
    seed_everything(5)
    expected = draw()
    seed_everything(5)
    random_state()
    assert draw() == expected


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_numpy_would_not_take_is_refused(seed: int):
    with pytest.raises(UserError, match=f"seed must be from 0 to 4294967295, got {seed}"):
        seed_everything(seed)


def test_states_of_devices_that_are_not_here_are_left_out(caplog: pytest.LogCaptureFixture):
    here = torch.cuda.device_count()
    state = random_state() | {"cuda": [torch.zeros(16, dtype=torch.uint8)] * (here + 1)}
    if here == 0:
        restore_random_state(state)
        assert "knows 1 CUDA devices, here are 0" in caplog.text


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_generators_go_on_exactly(tmp_path: Path):
    seed_everything(5)
    torch.rand(3, device="cuda")
    Checkpoints(tmp_path).save(1, {"random": random_state()})
    expected = torch.rand(1000, device="cuda")
    restore_random_state(Checkpoints(tmp_path).latest()[1]["random"])
    assert torch.equal(torch.rand(1000, device="cuda"), expected)
