"""Continual ImageNet's stream: which images a pair has, how its classes are named, and when pairs return."""

import pytest
import torch

from plastic_rl.streams.batches import chunks
from plastic_rl.streams.class_pairs import ClassPairs, first_of_each
from plastic_rl.streams.data.images import Scaling
from plastic_rl.streams.stream import Plan
from tests.streams.labelled_images import labelled_images, numbers_and_targets

PLAN = Plan(7, epochs=2, batch_size=3)


@pytest.fixture
def images():
    """Six classes of five images to learn from (image n is of class n % 6) and two to be tested on."""
    return labelled_images(6, train=5, test=2)


def test_a_task_has_the_images_of_two_classes_named_0_and_1(images):
    stream = ClassPairs(images, PLAN, seed=0)
    for index in range(7):
        first, second = stream.pair(index)
        task = stream.task(index)
        numbers, targets = numbers_and_targets(task.train)
        assert numbers == [first + 6 * k for k in range(5)] + [second + 6 * k for k in range(5)]
        assert targets == [0] * 5 + [1] * 5
        numbers, targets = numbers_and_targets(task.test)
        assert [number % 6 for number in numbers] == [first, first, second, second]
        assert (min(numbers), targets) == (30 + min(first, second), [0, 0, 1, 1])
        assert task.outputs == slice(0, 2)
        assert task.parameters == {"first_class": first, "second_class": second}


def test_all_classes_come_before_any_returns_and_then_the_same_pairs_return(images):
    stream = ClassPairs(images, PLAN, seed=0)
    pairs = [stream.pair(index) for index in range(7)]
    assert sorted(kind for pair in pairs[:3] for kind in pair) == list(range(6))
    assert pairs[3:] == [*pairs[:3], pairs[0]]
    assert [stream.task(index).identity for index in range(7)] == [0, 1, 2, 0, 1, 2, 0]


def test_a_new_order_each_round_has_new_pairs_of_all_classes(images):
    stream = ClassPairs(images, PLAN, seed=0, new_order_each_round=True)
    rounds = [[stream.pair(index) for index in range(start, start + 3)] for start in (0, 3)]
    assert all(sorted(kind for pair in pairs for kind in pair) == list(range(6)) for pairs in rounds)
    assert rounds[0] != rounds[1]
    assert [stream.task(index).identity for index in range(7)] == list(range(7))


def test_each_seed_has_its_own_order(images):
    assert ClassPairs(images, PLAN, seed=0).pair(0) == ClassPairs(images, Plan(2), seed=0).pair(0)
    assert len({ClassPairs(images, PLAN, seed=seed).pair(0) for seed in range(8)}) > 4


def test_an_odd_class_is_left_over():
    stream = ClassPairs(labelled_images(5, train=2, test=1), PLAN, seed=0)
    pairs = [stream.pair(index) for index in range(4)]
    assert len({kind for pair in pairs[:2] for kind in pair}) == 4
    assert pairs[2:] == pairs[:2]


def test_images_are_held_out_class_by_class(images):
    train = first_of_each(images.train, 6, 3)
    test = first_of_each(images.train, 6, 2, after=3)
    learned, tested = numbers_and_targets(train)[0], numbers_and_targets(test)[0]
    assert sorted(learned) == list(range(18))
    assert sorted(tested) == list(range(18, 30))
    assert train.inputs is test.inputs is images.train.inputs
    with pytest.raises(ValueError, match="6 images of each class are needed, but one class has only 5"):
        first_of_each(images.train, 6, 2, after=4)


def test_a_stream_of_held_out_images_shows_those(images):
    held = first_of_each(images.train, 6, 2, after=3)
    stream = ClassPairs(type(images)(first_of_each(images.train, 6, 3), held, 6), PLAN, seed=0)
    first, second = stream.pair(4)
    task = stream.task(4)
    assert numbers_and_targets(task.train)[0] == [first + 6 * k for k in range(3)] + [second + 6 * k for k in range(3)]
    assert numbers_and_targets(task.test)[0] == [first + 18, first + 24, second + 18, second + 24]


def test_a_pass_gone_on_with_is_the_pass_gone_through(images, monkeypatch):
    monkeypatch.setattr("plastic_rl.streams.batches.EXAMPLES_IN_A_CHUNK", 3)
    stream = ClassPairs(images, PLAN, seed=0, view=Scaling())
    assert (stream.shape, stream.outputs, stream.examples(0)) == ((1, 4, 4), 2, 10)
    whole = list(chunks([stream], [stream.task(1)], epoch=1))
    assert [chunk.end for chunk in whole] == [3, 6, 9, 10]
    rest = list(chunks([stream], [stream.task(1)], epoch=1, start=6))
    for expected, chunk in zip(whole[2:], rest, strict=True):
        assert torch.equal(expected.inputs, chunk.inputs)
        assert torch.equal(expected.targets, chunk.targets)
    seen = torch.cat([chunk.inputs[0, :, 0, 0, 0] for chunk in whole]) * 255
    assert sorted(seen.round().int().tolist()) == sorted(numbers_and_targets(stream.task(1).train)[0])
