"""The data sets by name: what is written in upstream's formats comes back, and bad requests are answered in words."""

import builtins
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from plastic_rl.errors import UserError
from plastic_rl.streams.data.datasets import DATASETS, Dataset, Labelled, load_dataset
from plastic_rl.streams.data.downloads import UPSTREAM
from plastic_rl.streams.data.readers import read_omniglot
from tests.streams import written

WRITERS = {
    "mnist": written.write_mnist,
    "fashion-mnist": lambda folder: written.write_mnist(folder, "FashionMNIST", compress=False),
    "cifar10": written.write_cifar10,
    "cifar100": written.write_cifar100,
    "imagenet32": written.write_imagenet32,
    "tiny-imagenet32": written.write_tiny_imagenet32,
    "class-folders": written.write_class_folders,
}


def sha256(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def message_of(*arguments, **options):
    with pytest.raises(UserError) as failure:
        load_dataset(*arguments, **options)
    return str(failure.value)


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_written_in_upstreams_format_comes_back(name, tmp_path):
    parts = WRITERS[name](tmp_path)
    dataset = load_dataset(name, tmp_path, download=False)
    for (images, labels), read in zip(parts, (dataset.train, dataset.test), strict=True):
        assert np.array_equal(read.images, images if images.ndim == 4 else images[:, None])
        assert np.array_equal(read.labels, labels)
        assert (read.images.dtype, read.labels.dtype) == (np.uint8, np.int64)
    assert dataset.classes == len(np.unique(parts[0][1]))


def test_every_name_is_written_or_carried_or_tested_by_itself():
    assert set(DATASETS) == {*WRITERS, "digits", "omniglot"}


def test_imagenet_may_also_be_one_file(tmp_path):
    images, labels = written.drawn(3, 4, (3, 32, 32))
    for part in ("train", "val"):
        written.write_npz(tmp_path / "imagenet32" / f"{part}_data.npz", images, labels)
    assert np.array_equal(load_dataset("imagenet32", tmp_path).train.images, images)


def test_imagenet_may_also_be_class_folders(tmp_path):
    (images, labels), _ = written.write_class_folders(tmp_path / "imagenet32", held_out="val")
    dataset = load_dataset("imagenet32", tmp_path)
    assert np.array_equal(dataset.train.images, images)
    assert np.array_equal(dataset.train.labels, labels)


def test_cifar100_knows_the_coarse_class_of_each_class(tmp_path):
    written.write_cifar100(tmp_path)
    dataset = load_dataset("cifar100", tmp_path)
    assert dataset.coarse.tolist() == [fine % 20 for fine in range(100)]


def test_a_fine_class_in_two_coarse_classes_is_refused(tmp_path):
    written.write_cifar100(tmp_path)
    rows = {b"data": np.zeros((2, 3072), np.uint8), b"fine_labels": [0, 0], b"coarse_labels": [4, 1]}
    written.write_pickle(tmp_path / "cifar-100-python/train", rows)
    assert "one fine class are in two coarse" in message_of("cifar100", tmp_path)


@pytest.mark.parametrize("write", [written.write_omniglot, written.write_omniglot_folders])
def test_omniglot_splits_by_drawer_and_numbers_the_second_half_after_the_first(write, tmp_path):
    write(tmp_path, background=4, evaluation=2)
    dataset = load_dataset("omniglot", tmp_path)
    assert dataset.classes == 6
    assert dataset.train.labels.tolist() == np.repeat(np.arange(6), 15).tolist()
    assert dataset.test.labels.tolist() == np.repeat(np.arange(6), 5).tolist()
    assert dataset.train.images.shape == (90, 1, 28, 28)


def test_omniglot_keeps_paper_white_and_ink_where_it_was(tmp_path):
    half = np.ones((20, 105, 105), np.uint8)
    half[15:, :60] = 0  # ink in the upper rows of what drawers 16 to 20 drew
    (tmp_path / "omniglot").mkdir()
    for name in ("images_background", "images_evaluation"):
        arrays = {"images": half, "label": np.zeros(20, np.int16), "drawer": np.arange(1, 21, dtype=np.uint8)}
        np.savez(tmp_path / "omniglot" / f"{name}.npz", **arrays)
    dataset = load_dataset("omniglot", tmp_path)
    assert (dataset.train.images == 255).all()
    assert (dataset.test.images[..., :14, :] == 0).all()  # 60 of 105 rows are 16 of 28
    assert (dataset.test.images[..., 18:, :] == 255).all()


def test_digits_are_split_by_class_and_always_alike():
    dataset = load_dataset("digits")
    assert dataset.train.images.shape == (1437, 1, 8, 8)
    assert dataset.test.images.shape == (360, 1, 8, 8)
    assert dataset.classes == 10
    assert set(np.bincount(dataset.test.labels)) <= {35, 36, 37}
    levels = np.unique(dataset.train.images)
    assert levels.tolist() == [0, 16, 32, 48, 64, 80, 96, 112, 128, 143, 159, 175, 191, 207, 223, 239, 255]
    assert sha256(dataset.test.images)[:16] == "ac6ada28192bd51a"


def test_class_folders_may_call_the_test_set_val(tmp_path):
    _, (images, labels) = written.write_class_folders(tmp_path, held_out="val")
    dataset = load_dataset("class-folders", tmp_path)
    assert np.array_equal(dataset.test.images, images)
    assert np.array_equal(dataset.test.labels, labels)


def test_class_folders_that_differ_between_train_and_test_are_named(tmp_path):
    written.write_class_folders(tmp_path)
    (tmp_path / "train/class_1").rename(tmp_path / "train/zebra")
    assert "differ in class_1, zebra" in message_of("class-folders", tmp_path)


def test_a_typo_lists_the_names(tmp_path):
    message = message_of("mnits", tmp_path)
    assert "'mnits'" in message
    assert all(name in message for name in DATASETS)


@pytest.mark.parametrize("name", ["imagenet32", "tiny-imagenet32"])
def test_what_cannot_be_downloaded_says_where_it_goes(name, tmp_path):
    message = message_of(name, tmp_path)
    assert str(tmp_path) in message
    assert "train_data_batch_1.npz is not there" in message
    assert "env.data_folder=" in message
    assert len(message.splitlines()) == 2


def test_the_first_missing_batch_is_named(tmp_path):
    written.write_imagenet32(tmp_path)
    (tmp_path / "imagenet32/train_data_batch_7.npz").unlink()
    assert "train_data_batch_7.npz is not there" in message_of("imagenet32", tmp_path)


def test_images_and_labels_of_different_numbers_are_refused(tmp_path):
    written.write_mnist(tmp_path, compress=False)
    (tmp_path / "MNIST/raw/train-labels-idx1-ubyte").write_bytes(written.idx_bytes(np.zeros(3, np.uint8)))
    assert "60 images have 3 labels" in message_of("mnist", tmp_path)
    with pytest.raises(ValueError, match="2 images have 1 labels"):
        Labelled(np.zeros((2, 1, 4, 4), np.uint8), np.zeros(1, np.int64))


def test_a_home_folder_is_expanded(tmp_path, monkeypatch):
    written.write_mnist(tmp_path / "data")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(load_dataset("mnist", Path("~/data"), download=False).train.labels) == 60


def test_a_package_that_is_not_installed_is_named(monkeypatch):
    def without_sklearn(name, *arguments, **options):
        if name.startswith("sklearn"):
            raise ModuleNotFoundError(f"No module named {name!r}", name="sklearn")
        return importing(name, *arguments, **options)

    importing = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", without_sklearn)
    said = message_of("digits")
    assert "the data set digits needs sklearn, which is not installed (the extra 'streams'): pip install -e " in said
    assert "[streams]" in said


@pytest.fixture(scope="module")
def real():
    """A folder with the real data sets in upstream's formats."""
    if "PLASTIC_RL_DATA" not in os.environ:
        pytest.fail("Name the folder of the data sets: PLASTIC_RL_DATA=FOLDER make data")
    return Path(os.environ["PLASTIC_RL_DATA"])


def loaded(name: str, real: Path) -> Dataset:
    try:
        return load_dataset(name, real, download=False)
    except UserError as missing:
        pytest.skip(str(missing))


@pytest.mark.data
@pytest.mark.parametrize(("name", "mean"), [("mnist", 0.1307), ("fashion-mnist", 0.2860)])
def test_the_real_mnists_have_their_published_counts_and_mean(name, mean, real):
    dataset = loaded(name, real)
    assert dataset.train.images.shape == (60000, 1, 28, 28)
    assert dataset.test.images.shape == (10000, 1, 28, 28)
    assert dataset.train.images.mean() / 255 == pytest.approx(mean, abs=5e-5)
    assert np.bincount(dataset.test.labels).sum() == 10000
    assert dataset.classes == 10


@pytest.mark.data
@pytest.mark.parametrize("file", UPSTREAM["mnist"] + UPSTREAM["fashion-mnist"], ids=lambda file: file.path)
def test_the_real_files_have_the_checksums_that_downloads_are_held_to(file, real):
    path = real / file.path
    if not path.exists():
        pytest.skip(f"{path} is not there")
    assert hashlib.md5(path.read_bytes()).hexdigest() == file.md5


@pytest.mark.data
def test_the_real_cifar100_has_its_published_means_and_checksums(real):
    dataset = loaded("cifar100", real)
    assert np.bincount(dataset.train.labels).tolist() == [500] * 100
    assert np.bincount(dataset.test.labels).tolist() == [100] * 100
    means = dataset.train.images.mean((0, 2, 3)) / 255
    assert means == pytest.approx([0.5070751592371323, 0.48654887331495095, 0.4409178433670343], abs=1e-12)
    assert np.bincount(dataset.coarse).tolist() == [5] * 20
    assert sha256(dataset.train.labels.astype(np.uint8))[:16] == "9f11b9f97aad759b"
    assert sha256(dataset.test.labels.astype(np.uint8))[:16] == "4dad7d09c7c97d33"


@pytest.mark.data
def test_the_real_cifar100_has_its_pixels_in_whatever_order_within_a_class(real):
    """Some copies put together from PNG files have 123 images in one another's place."""
    dataset = loaded("cifar100", real)
    for part, digest in ((dataset.train, "37a2b72bd30f9438"), (dataset.test, "b9ad4d741ee82873")):
        images = sorted(bytes([label]) + image.tobytes() for image, label in zip(part.images, part.labels, strict=True))
        assert hashlib.sha256(b"".join(images)).hexdigest()[:16] == digest


@pytest.mark.data
def test_the_real_tiny_imagenet32_has_500_and_50_images_a_class(real):
    dataset = loaded("tiny-imagenet32", real)
    assert np.bincount(dataset.train.labels).tolist() == [500] * dataset.classes
    assert np.bincount(dataset.test.labels).tolist() == [50] * dataset.classes
    assert dataset.train.images.shape[1:] == (3, 32, 32)


@pytest.mark.data
def test_the_real_omniglot_has_1623_characters_with_15_and_5_drawings(real):
    dataset = loaded("omniglot", real)
    assert np.bincount(dataset.train.labels).tolist() == [15] * 1623
    assert np.bincount(dataset.test.labels).tolist() == [5] * 1623
    assert dataset.train.images.mean() > 200  # paper is white


@pytest.mark.data
@pytest.mark.parametrize(("half", "digest"), [("background", "5136181e46a5c448"), ("evaluation", "7d185baeb97389a4")])
def test_the_real_omniglot_has_the_published_drawings(half, digest, real):
    npz, folder = real / f"omniglot/images_{half}.npz", real / f"omniglot-py/images_{half}"
    if not (npz.exists() or folder.exists()):
        pytest.skip(f"{npz} is not there")
    images, _, _ = read_omniglot(npz if npz.exists() else folder)
    assert sha256(images // 255)[:16] == digest
