"""APD's class splits: groups, orders, outputs of their own, and which images are validated on."""

import pytest
import torch

from plastic_rl.streams.batches import chunks
from plastic_rl.streams.class_split import ClassSplit, by_coarse_class, consecutive
from plastic_rl.streams.stream import Plan
from tests.streams.labelled_images import labelled_images, numbers_and_targets

PLAN = Plan(3, epochs=2, batch_size=4)
GROUPS = [[0, 1], [4, 2], [3, 5]]


@pytest.fixture
def images():
    """Six classes of ten images to learn from (image n is of class n % 6) and two to be tested on."""
    return labelled_images(6, train=10, test=2, coarse=[2, 0, 1, 0, 2, 1])


def stream_of(images, plan=PLAN, seed=0, order=(2, 0, 1), groups=GROUPS, **settings):
    return ClassSplit(images, plan, seed, groups=groups, order=order, **settings)


def test_classes_are_grouped_by_their_numbers():
    assert consecutive(6, 2) == [[0, 1], [2, 3], [4, 5]]
    assert consecutive(7, 3) == [[0, 1, 2], [3, 4, 5]]


def test_classes_are_grouped_by_their_coarse_classes(images):
    assert by_coarse_class(images) == [[1, 3], [2, 5], [0, 4]]
    with pytest.raises(ValueError, match="no coarse classes"):
        by_coarse_class(labelled_images(6, train=1, test=1))


def test_tasks_come_in_order_each_with_its_own_outputs(images):
    stream = stream_of(images)
    tasks = [stream.task(index) for index in range(3)]
    assert [task.identity for task in tasks] == [2, 0, 1]
    assert [task.outputs for task in tasks] == [slice(4, 6), slice(0, 2), slice(2, 4)]
    assert stream.outputs == 6
    for task in tasks:
        outputs = dict(zip(GROUPS[task.identity], range(task.outputs.start, task.outputs.stop), strict=True))
        for examples, count in ((task.train, 16), (task.validation, 4), (task.test, 4)):
            numbers, targets = numbers_and_targets(examples)
            assert len(numbers) == count
            assert targets == [outputs[number % 6] for number in numbers]


def test_every_image_is_in_one_place(images):
    tasks = [stream_of(images).task(index) for index in range(3)]
    learned, validated, tested = (
        [number for task in tasks for number in numbers_and_targets(getattr(task, part))[0]]
        for part in ("train", "validation", "test")
    )
    assert sorted(learned + validated) == list(range(60))
    assert sorted(tested) == list(range(60, 72))


def test_what_a_task_holds_depends_on_its_number_and_the_seed_not_on_the_order(images):
    first, elsewhere = stream_of(images), stream_of(images, Plan(1), order=(0, 1, 2))
    assert numbers_and_targets(first.task(1).train) == numbers_and_targets(elsewhere.task(0).train)
    other = stream_of(images, seed=1)
    assert set(numbers_and_targets(first.task(1).validation)[0]) != set(
        numbers_and_targets(other.task(1).validation)[0]
    )


def test_nothing_need_be_validated_on(images):
    task = stream_of(images, validation=0.0).task(0)
    assert (len(task.train), task.validation) == (20, None)


def test_images_are_there_in_four_rotations_in_training_and_test_alike(images):
    stream = stream_of(images, quarter_turns=True, validation=0.0)
    task = stream.task(0)
    assert stream.examples(0) == len(task.train) == 80
    assert len(task.test) == 16
    plain = numbers_and_targets(stream_of(images, validation=0.0).task(0).train)
    numbers, targets = numbers_and_targets(task.train)
    assert (numbers, targets) == (plain[0] * 4, plain[1] * 4)


def test_classes_of_no_group_are_in_no_task(images):
    stream = stream_of(images, Plan(1), groups=[[5, 1]], order=[0])
    task = stream.task(0)
    assert stream.outputs == 2
    assert {number % 6 for number in numbers_and_targets(task.train)[0]} == {5, 1}


def test_a_pass_gone_on_with_is_the_pass_gone_through_and_targets_count_from_the_first_output(images, monkeypatch):
    monkeypatch.setattr("plastic_rl.streams.batches.EXAMPLES_IN_A_CHUNK", 8)
    stream = stream_of(images, validation=0.0)
    assert stream.shape == (1, 4, 4)
    whole = list(chunks([stream], [stream.task(0)], epoch=1))
    assert torch.cat([chunk.targets[0] for chunk in whole]).bincount().tolist() == [10, 10]
    rest = list(chunks([stream], [stream.task(0)], epoch=1, start=8))
    for expected, chunk in zip(whole[1:], rest, strict=True):
        assert torch.equal(expected.inputs, chunk.inputs)
        assert torch.equal(expected.targets, chunk.targets)


@pytest.mark.parametrize(("plan", "order"), [(PLAN, (0, 1)), (PLAN, (0, 0, 1)), (Plan(4), (0, 1, 2))])
def test_an_order_that_does_not_fit_is_refused(images, plan, order):
    with pytest.raises(ValueError, match="do not fit 3 groups"):
        stream_of(images, plan, order=order)
