"""Data that grow: that the first share is part of the second, and that the last is everything."""

import pytest
import torch

from plastic_rl.streams.batches import chunks
from plastic_rl.streams.growing_data import GrowingData
from plastic_rl.streams.stream import Plan
from tests.streams.labelled_images import labelled_images, numbers_and_targets


@pytest.fixture
def images():
    return labelled_images(4, train=10, test=2)


def test_half_the_data_and_then_all_of_them(images):
    stream = GrowingData(images, Plan(2), seed=0)
    half, whole = (set(numbers_and_targets(stream.task(index).train)[0]) for index in range(2))
    assert len(half) == stream.examples(0) == 20
    assert half < whole
    assert whole == set(range(40))
    assert [stream.task(index).parameters for index in range(2)] == [{"share": 0.5}, {"share": 1.0}]


def test_targets_and_tests_are_the_data_sets_own(images):
    task = GrowingData(images, Plan(2), seed=0).task(0)
    numbers, targets = numbers_and_targets(task.train)
    assert targets == [number % 4 for number in numbers]
    assert task.test is images.test
    assert task.outputs == slice(0, 4)


def test_each_seed_has_its_own_half(images):
    halves = [set(numbers_and_targets(GrowingData(images, Plan(2), seed).task(0).train)[0]) for seed in (0, 0, 1)]
    assert halves[0] == halves[1] != halves[2]


def test_one_share_of_everything_is_the_data_set_itself(images):
    stream = GrowingData(images, Plan(1, epochs=2, batch_size=16), seed=0, shares=(1.0,))
    assert (stream.shape, stream.outputs) == ((1, 4, 4), 4)
    first, second = (next(chunks([stream], [stream.task(0)], epoch=epoch)) for epoch in range(2))
    assert first.inputs.shape == (1, 40, 1, 4, 4)
    assert not torch.equal(first.targets, second.targets)
    assert torch.equal(first.inputs.sort(1).values, second.inputs.sort(1).values)


@pytest.mark.parametrize("shares", [(1.0, 0.5), (0.0, 1.0), (0.5, 1.5), (0.5, 0.5)])
def test_shares_that_do_not_rise_are_refused(images, shares):
    with pytest.raises(ValueError, match="shares must rise and lie above 0 and up to 1"):
        GrowingData(images, Plan(2), seed=0, shares=shares)


def test_a_share_for_each_task(images):
    with pytest.raises(ValueError, match="3 tasks need as many shares"):
        GrowingData(images, Plan(3), seed=0)
