"""Images scrambled or named anew in every task: by hand, that tasks recur as they should, and that nothing is lost."""

import pytest
import torch

from plastic_rl.streams.batches import chunks
from plastic_rl.streams.data.images import ImageSet
from plastic_rl.streams.permuted import LabelPermutations, PermutedPixels, PixelPermutations, RandomLabels
from plastic_rl.streams.stream import Plan
from plastic_rl.streams.task import Examples

KINDS = [PixelPermutations, LabelPermutations, RandomLabels]


@pytest.fixture
def images():
    """Twelve different images of 2 x 3 pixels in 4 classes, and four to test on."""
    pixels = torch.arange(16 * 6, dtype=torch.uint8).view(16, 1, 2, 3)
    labels = torch.arange(16) % 4
    return ImageSet(Examples(pixels[:12], labels[:12]), Examples(pixels[12:], labels[12:]), classes=4)


def seen(stream, index):
    task = stream.task(index)
    kept, targets = task.train.take(torch.arange(len(task.train)))
    return task.view(kept), targets


def test_pixels_are_moved_as_the_permutation_says_and_lie_between_0_and_1():
    view = PermutedPixels(torch.tensor([2, 0, 3, 1]), (4,))
    images = torch.tensor([[[[0, 51], [102, 255]]]], dtype=torch.uint8)
    assert torch.equal(view(images), torch.tensor([[0.4, 0.0, 1.0, 0.2]]))
    square = PermutedPixels(torch.tensor([2, 0, 3, 1]), (1, 2, 2))
    assert torch.equal(square(images), torch.tensor([[[[0.4, 0.0], [1.0, 0.2]]]]))


def test_one_permutation_is_applied_to_all_images_of_a_task_and_another_in_the_next(images):
    stream = PixelPermutations(images, Plan(3), seed=0)
    plain = images.train.inputs.flatten(1) / 255
    orders = []
    for index in range(3):
        inputs, targets = seen(stream, index)
        order = [int((plain[0] == pixel).nonzero()) for pixel in inputs[0]]
        assert sorted(order) == list(range(6))
        assert torch.equal(inputs, plain[:, order])
        assert torch.equal(targets, images.train.targets)
        orders.append(order)
    assert orders[0] != orders[1] != orders[2]
    assert list(range(6)) not in orders


def test_the_test_images_are_seen_as_those_that_are_learned_from(images):
    task = PixelPermutations(images, Plan(1), seed=0).task(0)
    assert torch.equal(task.test.inputs, images.test.inputs)
    both = torch.cat([images.train.inputs, images.test.inputs])
    assert torch.equal(task.view(both)[12:], task.view(task.test.inputs))


@pytest.mark.parametrize("kind", [PixelPermutations, LabelPermutations])
def test_without_tests_a_stream_is_otherwise_the_same(images, kind):
    tested, untested = (kind(images, Plan(2), seed=0, tested=tested) for tested in (True, False))
    assert (tested.task(1).test is None, untested.task(1).test is None) == (False, True)
    for one, other in zip(seen(tested, 1), seen(untested, 1), strict=True):
        assert torch.equal(one, other)


def test_labels_are_renamed_one_to_one_alike_in_training_and_test(images):
    stream = LabelPermutations(images, Plan(4), seed=0)
    names = []
    for index in range(4):
        inputs, targets = seen(stream, index)
        assert torch.equal(inputs, images.train.inputs.flatten(1) / 255)
        names.append(targets[:4].tolist())
        assert sorted(names[-1]) == [0, 1, 2, 3]
        assert torch.equal(targets, torch.tensor(names[-1])[images.train.targets])
        assert torch.equal(stream.task(index).test.targets, torch.tensor(names[-1])[images.test.targets])
    assert len({tuple(name) for name in names}) > 1


def test_random_labels_fall_on_all_classes_whatever_the_image_and_leave_nothing_to_test(images):
    many = ImageSet(Examples(images.train.inputs.repeat(100, 1, 1, 1), torch.zeros(1200).long()), images.test, 4)
    stream = RandomLabels(many, Plan(2), seed=0)
    _, targets = seen(stream, 0)
    # 300 ± 15 of each class: five standard deviations.
    assert (targets.bincount(minlength=4) - 300).abs().max() < 75
    assert stream.task(0).test is None
    assert 0.15 < (targets == seen(stream, 1)[1]).float().mean() < 0.35


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_is_a_function_of_seed_and_number(images, kind):
    first, again = kind(images, Plan(5), seed=3), kind(images, Plan(9), seed=3)
    other = kind(images, Plan(5), seed=4)
    in_turn = [seen(first, index) for index in range(5)]
    for index in (4, 0, 2):
        assert all(torch.equal(*pair) for pair in zip(seen(again, index), in_turn[index], strict=True))
    assert any(
        not torch.equal(*pair) for index in range(5) for pair in zip(seen(other, index), in_turn[index], strict=True)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_tasks_return_in_turn_exactly_where_asked_to(images, kind):
    stream = kind(images, Plan(7), seed=0, examples=8, returning=3)
    assert [stream.task(index).identity for index in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    for index in range(3):
        assert all(torch.equal(*pair) for pair in zip(seen(stream, index), seen(stream, index + 3), strict=True))
    assert any(not torch.equal(*pair) for pair in zip(seen(stream, 0), seen(stream, 1), strict=True))
    assert [kind(images, Plan(3), seed=0).task(index).identity for index in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("kind", [PixelPermutations, LabelPermutations])
def test_fewer_examples_are_drawn_anew_for_each_task_and_more_go_through_all_of_them_again(images, kind):
    few = kind(images, Plan(2), seed=0, examples=5)
    rows = [few.task(index).train.rows.tolist() for index in range(2)]
    assert [len(set(each)) for each in rows] == [5, 5]
    assert rows[0] != rows[1]
    many = kind(images, Plan(2), seed=0, examples=30).task(0).train.rows
    assert sorted(many[:12].tolist()) == sorted(many[12:24].tolist()) == list(range(12))
    assert many.bincount().max() == 3


def test_random_labels_are_given_to_the_same_images_in_every_task(images):
    stream = RandomLabels(images, Plan(2), seed=0, examples=5)
    assert torch.equal(stream.task(0).train.rows, stream.task(1).train.rows)


def test_images_lie_in_memory_once(images):
    stream = PixelPermutations(images, Plan(2), seed=0, examples=5)
    assert stream.task(1).train.inputs is stream.task(0).train.inputs is images.train.inputs


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("flat", "shape"), [(True, (6,)), (False, (1, 2, 3))])
def test_a_pass_gone_on_with_is_the_pass_gone_through(images, kind, flat, shape):
    stream = kind(images, Plan(1, epochs=2, batch_size=600), seed=0, flat=flat, examples=2000)
    task = stream.task(0)
    whole = list(chunks([stream], [task], epoch=1))
    assert [chunk.end for chunk in whole] == [600, 1200, 1800, 2000]
    assert whole[0].inputs.shape == (1, 600, *shape)
    assert (stream.shape, stream.outputs, stream.examples(0)) == (shape, 4, 2000)
    rest = list(chunks([stream], [stream.task(0)], epoch=1, start=whole[1].end))
    for expected, chunk in zip(whole[2:], rest, strict=True):
        assert torch.equal(expected.inputs, chunk.inputs)
        assert torch.equal(expected.targets, chunk.targets)
