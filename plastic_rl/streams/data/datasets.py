"""The data sets that streams are made of, by name: images as bytes and labels from 0, split as upstream splits them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8

from plastic_rl.errors import UserError
from plastic_rl.extras import missing
from plastic_rl.streams.data.downloads import SETTING, cache_folder, fetch
from plastic_rl.streams.data.readers import (
    Images,
    Labels,
    read_cifar,
    read_class_folders,
    read_idx,
    read_imagenet32,
    read_omniglot,
)

DIGITS_FOR_TEST = 360
DRAWERS_FOR_TRAINING = 15  # of 20; the released APD loader's `train=15`
OMNIGLOT_SIZE = 28
CLASS_FOLDERS_SIZE = 32


@dataclass(frozen=True, eq=False)
class Labelled:
    """Images and the class of each.

    Args:
        images: Bytes, channel first: 1 channel for grey, 3 for red, green and blue.
        labels: Classes, from 0.

    Raises:
        ValueError: There are more images than labels, or fewer.
    """

    images: Images
    labels: Int64[np.ndarray, " labels"]

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise ValueError(f"{len(self.images)} images have {len(self.labels)} labels; expected one label an image")


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set in memory.

    Args:
        train: What to learn from.
        test: What to measure on (the validation set, where upstream keeps the labels of its test set).
        classes: How many classes there are; labels lie from 0 to classes - 1.
        coarse: The coarse class of each class, where the data set has two levels (CIFAR-100).
    """

    train: Labelled
    test: Labelled
    classes: int
    coarse: Int64[np.ndarray, " classes"] | None = None


def load_dataset(name: str, folder: Path | None = None, *, download: bool = True) -> Dataset:
    """The data set of that name, from a folder, where it is put first if it is not there and may be downloaded.

    Args:
        name: One of `DATASETS`.
        folder: The folder that has (or gets) the data set in upstream's layout, as docs/data.md says for each; the
            user's cache folder unless given. `class-folders` is itself the folder of `train` and `test` (or `val`).
        download: Whether missing files may be fetched from upstream.

    Raises:
        UserError: There is no such data set, a file is missing and cannot be had, or a file is damaged.
    """
    if name not in LOADERS:
        raise UserError(f"There is no data set {name!r}; the names are {', '.join(DATASETS)}.")
    try:
        return _load(name, (folder or cache_folder()).expanduser(), download)
    except ModuleNotFoundError as error:
        raise UserError(missing(error.name or "a package", f"the data set {name}")) from error


def _load(name: str, folder: Path, download: bool) -> Dataset:
    fetch(name, folder, download=download)
    try:
        return LOADERS[name](folder)
    except ValueError as error:
        raise UserError(f"The files of {name} in {folder} do not belong together: {error}.") from error


def _dataset(train: Labelled, test: Labelled) -> Dataset:
    return Dataset(train, test, classes=1 + int(max(train.labels.max(), test.labels.max())))


def _idx_pair(folder: Path, part: str) -> Labelled:
    images = read_idx(_plain_or_gzipped(folder / f"{part}-images-idx3-ubyte"))
    labels = read_idx(_plain_or_gzipped(folder / f"{part}-labels-idx1-ubyte"))
    return Labelled(images[:, None], labels.astype(np.int64))


def _plain_or_gzipped(path: Path) -> Path:
    return path if path.exists() else path.with_name(f"{path.name}.gz")


def _mnist(folder: Path, name: str = "MNIST") -> Dataset:
    place = folder / name / "raw"
    return _dataset(_idx_pair(place, "train"), _idx_pair(place, "t10k"))


def _fashion_mnist(folder: Path) -> Dataset:
    return _mnist(folder, "FashionMNIST")


def _digits(_: Path) -> Dataset:
    """Of 8 x 8 pixels, inside scikit-learn; the grey levels 0 to 16 are stretched to 0 to 255."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits: Any = load_digits()
    images = np.rint(digits.images[:, None] * (255 / 16)).astype(np.uint8)
    labels = digits.target.astype(np.int64)
    train, test = train_test_split(np.arange(len(labels)), test_size=DIGITS_FOR_TEST, stratify=labels, random_state=0)
    return _dataset(Labelled(images[train], labels[train]), Labelled(images[test], labels[test]))


def _cifar10(folder: Path) -> Dataset:
    place = folder / "cifar-10-batches-py"
    batches = [read_cifar(place / f"data_batch_{number}", "labels") for number in range(1, 6)]
    images, labels = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    return _dataset(Labelled(images, labels), Labelled(*read_cifar(place / "test_batch", "labels")))


def _cifar100(folder: Path) -> Dataset:
    place = folder / "cifar-100-python"
    images, fine, coarse = read_cifar(place / "train", "fine_labels", "coarse_labels")
    dataset = _dataset(Labelled(images, fine), Labelled(*read_cifar(place / "test", "fine_labels")))
    return replace(dataset, coarse=_coarse_of(fine, coarse, dataset.classes))


def _coarse_of(fine: Labels, coarse: Labels, classes: int) -> Int64[np.ndarray, " classes"]:
    coarse_of = np.full(classes, -1)
    coarse_of[fine] = coarse
    if not np.array_equal(coarse_of[fine], coarse):
        raise ValueError("images of one fine class are in two coarse classes")
    return coarse_of


def _imagenet32(folder: Path) -> Dataset:
    return _npz_batches(folder / "imagenet32", "the npz archives of ImageNet 32x32 from image-net.org (after a login)")


def _tiny_imagenet32(folder: Path) -> Dataset:
    return _npz_batches(folder / "tiny-imagenet-32", "Tiny-ImageNet reduced to 32 x 32 in the same format")


def _npz_batches(folder: Path, origin: str) -> Dataset:
    if (folder / "train").is_dir():
        return _class_folders(folder)
    single = folder / "train_data.npz"
    train = [single] if single.exists() else [folder / f"train_data_batch_{number}.npz" for number in range(1, 11)]
    validation = folder / "val_data.npz"
    for path in (*train, validation):
        if not path.exists():
            raise UserError(
                f"{path} is not there, and it cannot be downloaded.\n"
                f"Put {origin} into {folder}, or name the folder above it: {SETTING}=FOLDER."
            )
    return _dataset(Labelled(*read_imagenet32(train)), Labelled(*read_imagenet32([validation])))


def _omniglot(folder: Path) -> Dataset:
    """Both halves, one after the other: 964 + 659 characters, each with 15 drawings to learn and 5 to test."""
    halves = [read_omniglot(_unpacked_or_npz(folder, half)) for half in ("images_background", "images_evaluation")]
    offset = 1 + halves[0][1].max()
    images = np.concatenate([_reduced(drawings, OMNIGLOT_SIZE) for drawings, _, _ in halves])[:, None]
    labels = np.concatenate([halves[0][1], halves[1][1] + offset])
    learnt = np.concatenate([drawers for _, _, drawers in halves]) <= DRAWERS_FOR_TRAINING
    return _dataset(Labelled(images[learnt], labels[learnt]), Labelled(images[~learnt], labels[~learnt]))


def _unpacked_or_npz(folder: Path, half: str) -> Path:
    npz = folder / "omniglot" / f"{half}.npz"
    return npz if npz.exists() else folder / "omniglot-py" / half


def _reduced(drawings: UInt8[np.ndarray, "n _ _"], size: int) -> UInt8[np.ndarray, "n {size} {size}"]:
    from PIL import Image

    # Pillow's own default filter, which is what the loaders of the APD literature get without naming one
    reduced = (Image.fromarray(drawing).resize((size, size), Image.Resampling.BICUBIC) for drawing in drawings)
    return np.stack([np.asarray(drawing) for drawing in reduced])


def _class_folders(folder: Path) -> Dataset:
    held_out = folder / "test" if (folder / "test").is_dir() else folder / "val"
    images, labels, names = read_class_folders(folder / "train", CLASS_FOLDERS_SIZE)
    test_images, test_labels, test_names = read_class_folders(held_out, CLASS_FOLDERS_SIZE)
    if names != test_names:
        differing = ", ".join(sorted(set(names) ^ set(test_names))[:3])
        raise ValueError(f"train and {held_out.name} should have the same class folders, and differ in {differing}")
    return _dataset(Labelled(images, labels), Labelled(test_images, test_labels))


LOADERS: dict[str, Callable[[Path], Dataset]] = {
    "mnist": _mnist,
    "fashion-mnist": _fashion_mnist,
    "digits": _digits,
    "cifar10": _cifar10,
    "cifar100": _cifar100,
    "imagenet32": _imagenet32,
    "tiny-imagenet32": _tiny_imagenet32,
    "omniglot": _omniglot,
    "class-folders": _class_folders,
}
DATASETS = tuple(LOADERS)
