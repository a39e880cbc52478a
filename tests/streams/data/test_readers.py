"""The readers: bytes worked out by hand, then files in every format, then files that are damaged or hostile."""

import gzip
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plastic_rl.errors import UserError
from plastic_rl.streams.data.readers import (
    read_cifar,
    read_class_folders,
    read_idx,
    read_imagenet32,
    read_omniglot,
    scrambled_as_released,
)
from tests.streams import written

TWO_BY_THREE = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255])
RED, GREEN, BLUE = range(3)


def one_row():
    """A row of 3072 bytes: byte k of the red plane is k % 251, green is 1 more and blue 2 more."""
    plane = np.arange(1024) % 251
    return np.concatenate([plane, plane + 1, plane + 2]).astype(np.uint8)[None]


class Hostile:
    def __reduce__(self):
        return os.mkdir, ("hostile",)


def test_idx_by_hand(tmp_path):
    plain, gzipped = tmp_path / "plain", tmp_path / "gzipped.gz"
    plain.write_bytes(TWO_BY_THREE)
    gzipped.write_bytes(gzip.compress(TWO_BY_THREE))
    for path in (plain, gzipped):
        assert read_idx(path).tolist() == [[1, 2, 3], [4, 5, 255]]
        assert read_idx(path).flags.writeable


def test_a_row_is_a_red_a_green_and_a_blue_plane_each_row_by_row(tmp_path):
    written.write_pickle(tmp_path / "batch", {b"data": one_row(), b"labels": [7]})
    images, labels = read_cifar(tmp_path / "batch", "labels")
    assert images.shape == (1, 3, 32, 32)
    assert labels.tolist() == [7]
    assert images[0, :, 0, 0].tolist() == [0, 1, 2]
    assert images[0, RED, 0, 1] == 1  # one pixel to the right
    assert images[0, RED, 1, 0] == 32  # one pixel down
    assert images[0, GREEN, 31, 31] == 1023 % 251 + 1


def test_scrambled_channels_are_neighbouring_pixels_and_planes_lie_one_below_the_other():
    image = one_row().reshape(1, 3, 32, 32)
    scrambled = scrambled_as_released(image)
    assert scrambled.shape == (1, 3, 32, 32)
    assert scrambled[0, :, 0, 0].tolist() == image[0, RED, 0, :3].tolist() == [0, 1, 2]
    assert scrambled[0, :, 1, 0].tolist() == image[0, RED, 3, :3].tolist()  # a row is three true rows
    assert scrambled[0, RED, 11, 0] == image.reshape(-1)[11 * 96]
    assert scrambled[0, :, 31, 31].tolist() == image[0, BLUE, 31, 29:].tolist()
    assert sorted(scrambled.reshape(-1)) == sorted(image.reshape(-1))


def test_cifar_labels_come_in_the_order_asked_for(tmp_path):
    (images, fine), _ = written.write_cifar100(tmp_path)
    read, coarse, read_fine = read_cifar(tmp_path / "cifar-100-python/train", "coarse_labels", "fine_labels")
    assert np.array_equal(read, images)
    assert np.array_equal(read_fine, fine)
    assert np.array_equal(coarse, fine % 20)
    assert read.dtype == np.uint8
    assert coarse.dtype == np.int64


def test_imagenet_labels_count_from_zero_and_batches_follow_one_another(tmp_path):
    (images, labels), _ = written.write_imagenet32(tmp_path)
    batches = [tmp_path / f"imagenet32/train_data_batch_{number}.npz" for number in range(1, 11)]
    read, read_labels = read_imagenet32(batches)
    assert np.array_equal(read, images)
    assert np.array_equal(read_labels, labels)
    assert read_labels.min() == 0


def test_class_folders_are_numbered_by_name_at_any_depth_and_in_any_format(tmp_path):
    for number, path in enumerate(["b/images/x.bmp", "a/2.png", "a/1.PNG", "c/y.gif"]):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (32, 32), 10 * number).save(tmp_path / path)
    (tmp_path / "a/boxes.txt").write_text("no image")
    images, labels, names = read_class_folders(tmp_path, 32)
    assert names == ["a", "b", "c"]
    assert labels.tolist() == [0, 0, 1, 2]
    assert images[:, 0, 0, 0].tolist() == [20, 10, 0, 30]  # 1.PNG before 2.png
    assert (images == images[:, :1]).all()  # grey becomes three equal channels


def test_a_larger_image_is_reduced_by_the_mean_over_boxes(tmp_path):
    pixels = np.array([[10, 20, 200, 200], [30, 40, 200, 200], [0, 0, 7, 7], [0, 0, 7, 7]], np.uint8)
    (tmp_path / "a").mkdir()
    Image.fromarray(pixels).save(tmp_path / "a/1.png")
    images, _, _ = read_class_folders(tmp_path, 2)
    assert images[0].tolist() == 3 * [[[25, 200], [0, 7]]]


def test_both_forms_of_omniglot_are_read_alike(tmp_path):
    (images, labels, drawers), _ = written.write_omniglot(tmp_path)
    written.write_omniglot_folders(tmp_path)
    for half in ("omniglot/images_background.npz", "omniglot-py/images_background"):
        read, read_labels, read_drawers = read_omniglot(tmp_path / half)
        assert np.array_equal(read, images * 255)
        assert np.array_equal(read_labels, labels)
        assert np.array_equal(read_drawers, drawers)


def test_more_than_nine_alphabets_and_characters_keep_their_order(tmp_path):
    _, labels, drawers = read_after(written.write_omniglot_folders, tmp_path, background=24)
    assert sorted(set(labels.tolist())) == list(range(24))
    assert [np.count_nonzero(labels == label) for label in range(24)] == 24 * [20]
    assert drawers[labels == 23].tolist() == list(range(1, 21))


def read_after(write, folder, **counts):
    write(folder, **counts)
    return read_omniglot(folder / "omniglot-py/images_background")


def message_of(read, *arguments):
    with pytest.raises(UserError) as failure:
        read(*arguments)
    return str(failure.value)


DAMAGED_IDX = {
    "cut short": (TWO_BY_THREE[:-1], r"shape (2, 3) takes 6 bytes, 5 follow"),
    "too long": (TWO_BY_THREE + b"\0", r"takes 6 bytes, 7 follow"),
    "another type": (b"\0\0\x0d" + TWO_BY_THREE[3:], "begins with 00 00 0d"),
    "a web page": (b"<html>404</html>", "begins with 3c 68 74"),
    "empty": (b"", "not with 00 00 08"),
    "half a gzip": (gzip.compress(TWO_BY_THREE)[:-12], "ended before"),
}


@pytest.mark.parametrize("damage", DAMAGED_IDX)
def test_a_damaged_idx_file_is_named(tmp_path, damage):
    content, reason = DAMAGED_IDX[damage]
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    message = message_of(read_idx, path)
    assert str(path) in message
    assert reason in message
    assert "delete it" in message
    assert len(message.splitlines()) <= 2


DAMAGED_CIFAR = {
    "not a pickle": (b"<html>", "cannot be read as a pickled CIFAR batch"),
    "cut short": (pickle.dumps({b"data": one_row(), b"labels": [1]}, protocol=2)[:-400], "cannot be read"),
    "no dict": (pickle.dumps([1, 2], protocol=2), "holds a list"),
    "other rows": (pickle.dumps({b"data": one_row()[:, :100], b"labels": [1]}, protocol=2), "shape (1, 100)"),
    "too few labels": (pickle.dumps({b"data": one_row(), b"labels": []}, protocol=2), "for 1 images"),
    "no labels": (pickle.dumps({b"data": one_row()}, protocol=2), "labels"),
}


@pytest.mark.parametrize("damage", DAMAGED_CIFAR)
def test_a_damaged_cifar_batch_is_named(tmp_path, damage):
    content, reason = DAMAGED_CIFAR[damage]
    path = tmp_path / "data_batch_1"
    path.write_bytes(content)
    message = message_of(read_cifar, path, "labels")
    assert str(path) in message
    assert reason in message


def test_a_hostile_pickle_runs_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = pickle.dumps({b"data": Hostile(), b"labels": [1]}, protocol=2)
    Path("batch").write_bytes(content)
    assert "mkdir" in message_of(read_cifar, tmp_path / "batch", "labels")
    assert not Path("hostile").exists()
    pickle.loads(content)  # which an ordinary unpickler would have run
    assert Path("hostile").exists()


@pytest.mark.parametrize(("read", "arguments"), [(read_idx, ()), (read_cifar, ("labels",))], ids=["idx", "cifar"])
def test_a_missing_file_is_named(tmp_path, read, arguments):
    assert f"{tmp_path / 'gone'} is not there" in message_of(read, tmp_path / "gone", *arguments)


def test_damaged_npz_batches_are_named(tmp_path):
    cut, other, strange = tmp_path / "cut.npz", tmp_path / "other.npz", tmp_path / "strange.npz"
    written.write_npz(cut, *written.drawn(2, 5, (3, 32, 32)))
    cut.write_bytes(cut.read_bytes()[:-1000])
    np.savez(other, images=np.zeros(3))
    np.savez(strange, data=np.zeros((2, 3072), np.float32), labels=np.array([1, 2]))
    assert str(cut) in message_of(read_imagenet32, [cut])
    assert "labels is not a file in the archive" in message_of(read_imagenet32, [other])
    assert "float32 of shape (2, 3072)" in message_of(read_imagenet32, [strange])
    assert "is not there" in message_of(read_imagenet32, [tmp_path / "gone.npz"])


def test_labels_of_a_batch_that_counts_from_zero_are_refused(tmp_path):
    images, labels = written.drawn(2, 2, (3, 32, 32))
    written.write_npz(tmp_path / "batch.npz", images, labels - 1)
    assert "labels from -1 up" in message_of(read_imagenet32, [tmp_path / "batch.npz"])


def test_class_folders_without_classes_images_or_whole_images_are_named(tmp_path):
    assert "has no class folders" in message_of(read_class_folders, tmp_path / "gone", 32)
    (tmp_path / "cat").mkdir()
    assert f"{tmp_path / 'cat'} has no images" in message_of(read_class_folders, tmp_path, 32)
    (tmp_path / "cat/1.png").write_bytes(b"no image")
    assert f"{tmp_path / 'cat/1.png'} cannot be read as an image" in message_of(read_class_folders, tmp_path, 32)


def test_omniglot_that_is_empty_or_of_another_size_is_named(tmp_path):
    assert "has no drawings" in message_of(read_omniglot, tmp_path)
    (tmp_path / "A/character01").mkdir(parents=True)
    Image.new("1", (28, 28)).save(tmp_path / "A/character01/0001_01.png")
    assert "28 x 28" in message_of(read_omniglot, tmp_path)
    np.savez(tmp_path / "half.npz", images=np.zeros((3, 105, 14), np.uint8), label=np.zeros(3), drawer=np.ones(3))
    assert "(3, 105, 14)" in message_of(read_omniglot, tmp_path / "half.npz")
