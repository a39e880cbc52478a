"""Class-incremental CIFAR-100's stream: what each task holds, and that no image is in two places."""

import pytest
import torch

from plastic_rl.streams.augmentation import FlipCropRotate
from plastic_rl.streams.batches import chunks
from plastic_rl.streams.class_incremental import ClassIncremental
from plastic_rl.streams.data.images import Scaling
from plastic_rl.streams.stream import Plan
from tests.streams.labelled_images import labelled_images, numbers_and_targets

PLAN = Plan(3, epochs=2, batch_size=4)


@pytest.fixture
def images():
    """Six classes of ten images to learn from (image n is of class n % 6) and four to be tested on."""
    return labelled_images(6, train=10, test=4, size=16)


def stream_of(images, plan=PLAN, seed=0, **settings):
    return ClassIncremental(images, plan, seed, classes_per_task=2, validation_images=3, **settings)


def test_tasks_grow_by_classes_in_the_streams_own_order(images):
    stream = stream_of(images)
    order = stream.order.tolist()
    assert sorted(order) == list(range(6))
    for index, known in enumerate((2, 4, 6)):
        task = stream.task(index)
        assert (task.outputs, task.parameters) == (slice(0, known), {"classes": known})
        for examples, each in ((task.train, 7), (task.validation, 3), (task.test, 4)):
            numbers, targets = numbers_and_targets(examples)
            assert targets == [output for output in range(known) for _ in range(each)]
            assert [number % 6 for number in numbers] == [order[output] for output in targets]
        assert stream.examples(index) == len(task.train) == 7 * known


def test_images_are_learned_from_validated_on_or_tested_on_and_stay_so(images):
    stream = stream_of(images)
    last = stream.task(2)
    learned, validated, tested = (
        set(numbers_and_targets(part)[0]) for part in (last.train, last.validation, last.test)
    )
    assert learned | validated == set(range(60))
    assert tested == set(range(60, 84))
    assert not learned & validated
    first = stream.task(0)
    assert set(numbers_and_targets(first.train)[0]) <= learned
    assert set(numbers_and_targets(first.validation)[0]) <= validated


def test_seeds_differ_in_the_order_of_classes_and_in_the_images_validated_on(images):
    first, again, other = stream_of(images), stream_of(images, Plan(2)), stream_of(images, seed=1)
    assert numbers_and_targets(first.task(1).train) == numbers_and_targets(again.task(1).train)
    assert first.order.tolist() != other.order.tolist()
    validated = [set(numbers_and_targets(stream.task(2).validation)[0]) for stream in (first, other)]
    assert validated[0] != validated[1]


def test_images_lie_in_memory_once(images):
    stream = stream_of(images)
    tasks = [stream.task(0), stream.task(2)]
    assert all(part.inputs is images.train.inputs for task in tasks for part in (task.train, task.validation))


def test_only_images_that_are_learned_from_are_changed(images):
    stream = stream_of(images, view=Scaling(), augment=FlipCropRotate(padding=1))
    task = stream.task(0)
    (chunk,) = chunks([stream], [task], epoch=0)
    # An image of one grey stays as it is but for the corners that a rotation leaves empty.
    grey = chunk.inputs[0, :, 0, 8, 8] * 255
    assert sorted(grey.round().int().tolist()) == sorted(numbers_and_targets(task.train)[0])
    (later,) = chunks([stream], [task], epoch=1)
    assert not torch.equal(chunk.inputs.sort(1).values, later.inputs.sort(1).values)
    assert task.view(task.test.inputs).unique().numel() == 24


def test_a_pass_gone_on_with_is_the_pass_gone_through(images, monkeypatch):
    monkeypatch.setattr("plastic_rl.streams.batches.EXAMPLES_IN_A_CHUNK", 8)
    stream = stream_of(images, view=Scaling(), augment=FlipCropRotate(padding=1))
    assert (stream.shape, stream.outputs) == ((1, 16, 16), 6)
    whole = list(chunks([stream], [stream.task(1)], epoch=1))
    assert [chunk.end for chunk in whole] == [8, 16, 24, 28]
    rest = list(chunks([stream], [stream.task(1)], epoch=1, start=16))
    for expected, chunk in zip(whole[2:], rest, strict=True):
        assert torch.equal(expected.inputs, chunk.inputs)
        assert torch.equal(expected.targets, chunk.targets)


def test_streams_that_the_data_set_is_too_small_for_are_refused(images):
    with pytest.raises(ValueError, match="4 tasks of 2 new classes are more than the 6 classes"):
        stream_of(images, Plan(4))
    with pytest.raises(ValueError, match="validation_images=10 leaves none of a class of 10"):
        ClassIncremental(images, PLAN, 0, classes_per_task=2, validation_images=10)
