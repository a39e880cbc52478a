"""Data sets on a device: what is shared, what is scaled, and where the classes are."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from plastic_rl.errors import UserError
from plastic_rl.streams.data.datasets import Dataset, Labelled
from plastic_rl.streams.data.images import (
    Scaling,
    by_channel,
    coarsened,
    load_images,
    mean_image,
    on_device,
    places_by_class,
    quarter_turned,
    relabelled,
)
from plastic_rl.streams.task import Examples


@pytest.fixture
def dataset():
    """Six images of two channels and 2 x 2 pixels in three classes, the first two of which are one coarse class."""
    images = np.arange(48, dtype=np.uint8).reshape(6, 2, 2, 2)
    labelled = Labelled(images, np.array([2, 0, 1, 2, 0, 2]))
    return Dataset(labelled, Labelled(images[:2], np.array([1, 0])), 3, np.array([0, 0, 1]))


def test_a_data_set_on_the_cpu_shares_the_memory_it_was_read_into(dataset):
    images = on_device(dataset, "cpu")
    assert images.shape == (2, 2, 2)
    assert images.train.inputs.data_ptr() == dataset.train.images.ctypes.data
    assert images.train.targets.tolist() == [2, 0, 1, 2, 0, 2]
    assert images.coarse.tolist() == [0, 0, 1]


def test_images_that_must_not_be_written_to_are_copied(dataset):
    dataset.train.images.flags.writeable = False
    images = on_device(dataset, "cpu").train.inputs
    assert images.data_ptr() != dataset.train.images.ctypes.data
    assert images.flatten().tolist() == list(range(48))


def test_scaling_by_hand():
    images = torch.tensor([[[[0, 255]], [[51, 102]]]], dtype=torch.uint8)
    assert torch.equal(Scaling()(images), torch.tensor([[[[0.0, 1.0]], [[0.2, 0.4]]]]))
    scaling = Scaling(by_channel((0.5, 0.2), "cpu"), by_channel((0.5, 0.1), "cpu"))
    assert torch.allclose(scaling(images), torch.tensor([[[[-1.0, 1.0]], [[0.0, 2.0]]]]), atol=1e-6)
    assert images.dtype == torch.uint8


def test_the_mean_image_is_exact_however_many_images_there_are():
    images = torch.full((2500, 1, 1, 2), 255, dtype=torch.uint8)
    images[:500, ..., 1] = 0
    assert mean_image(images).tolist() == [[[1.0, pytest.approx(0.8, abs=1e-7)]]]
    assert torch.equal(mean_image(images), mean_image(images.flip(0)))


def test_places_of_classes_are_those_among_the_examples_that_count(dataset):
    train = on_device(dataset, "cpu").train
    assert [places.tolist() for places in places_by_class(train, 3)] == [[1, 4], [2], [0, 3, 5]]
    some = train.only(torch.tensor([5, 4, 0, 1]))
    places = places_by_class(some, 3)
    assert [each.tolist() for each in places] == [[1, 3], [], [0, 2]]
    assert some.take(places[2])[1].tolist() == [2, 2]


def test_some_of_some_examples_are_those_meant():
    examples = Examples(torch.arange(10), torch.arange(10) * 10)
    some = examples.only(torch.tensor([9, 7, 5, 3])).only(torch.tensor([2, 0]))
    assert [part.tolist() for part in some.take(torch.arange(2))] == [[5, 9], [50, 90]]
    assert some.inputs is examples.inputs


def test_coarse_classes_take_the_place_of_the_fine_ones(dataset):
    images = coarsened(on_device(dataset, "cpu"))
    assert (images.train.targets.tolist(), images.test.targets.tolist(), images.classes) == (
        [1, 0, 0, 1, 0, 1],
        [0, 0],
        2,
    )
    with pytest.raises(ValueError, match="no coarse classes"):
        coarsened(images)


def test_classes_are_renamed(dataset):
    renamed = relabelled(on_device(dataset, "cpu").train, torch.tensor([10, 20, 30]))
    assert renamed.targets.tolist() == [30, 10, 20, 30, 10, 30]


def test_every_image_is_there_in_four_rotations():
    image = torch.tensor([[[[1, 2], [3, 4]]]], dtype=torch.uint8)
    both = Examples(torch.cat([image, image + 4]), torch.tensor([7, 8]))
    turned = quarter_turned(both.only(torch.tensor([1])))
    assert turned.targets.tolist() == [8, 8, 8, 8]
    # Anticlockwise.
    assert turned.inputs[:, 0].tolist() == [[[5, 6], [7, 8]], [[6, 8], [5, 7]], [[8, 7], [6, 5]], [[7, 5], [8, 6]]]


def test_a_data_set_is_loaded_once_for_all_seeds():
    digits = load_images("digits")
    assert digits.train.inputs.shape == (1437, 1, 8, 8)
    assert load_images("digits") is digits
    with pytest.raises(UserError, match="digitz"):
        load_images("digitz")


def test_scrambled_images_are_the_same_bytes_in_other_places(monkeypatch, dataset):
    monkeypatch.setattr("plastic_rl.streams.data.images.load_dataset", lambda *_, **__: replace(dataset))
    plain, scrambled = (load_images("generated", scrambled=kind).train.inputs for kind in (False, True))
    # The first image holds 0 ... 7: read as 2 x 2 pixels of two channels each.
    assert plain[0].tolist() == [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]
    assert scrambled[0].tolist() == [[[0, 2], [4, 6]], [[1, 3], [5, 7]]]
    load_images.cache_clear()
