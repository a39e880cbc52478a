"""Small data sets in upstream's own formats, written to a folder and returned, so that tests know what is in them.

Images of one class share a random pattern, with a fifth of the bytes drawn afresh, so that a small network can tell
the classes apart. Everything is drawn from a fixed seed. CIFAR files name numpy's modules as upstream's do.
"""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path

import numpy as np
from PIL import Image


def write_all(folder: Path) -> Path:
    """All data sets, with a few images of each class; returns the folder."""
    write_mnist(folder)
    write_mnist(folder, "FashionMNIST")
    write_cifar10(folder)
    write_cifar100(folder, train=5)
    write_imagenet32(folder)
    write_tiny_imagenet32(folder)
    write_omniglot(folder, background=20, evaluation=5)
    return folder


def drawn(classes: int, per_class: int, shape: tuple[int, ...], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images (classes * per_class, *shape) and labels, shuffled; the seed changes the images, not the patterns."""
    patterns = np.random.default_rng(0).integers(0, 256, (classes, *shape), np.uint8)
    generator = np.random.default_rng(seed + 1)
    labels = generator.permutation(np.repeat(np.arange(classes), per_class))
    fresh = generator.integers(0, 256, (len(labels), *shape), np.uint8)
    return np.where(generator.random(fresh.shape) < 0.2, fresh, patterns[labels]), labels


def idx_bytes(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()


def write_mnist(folder: Path, name: str = "MNIST", *, train: int = 6, test: int = 2, compress: bool = True):
    """`MNIST/raw` (or `FashionMNIST/raw`) with 10 classes and so many images of each; returns (train, test)."""
    place = folder / name / "raw"
    place.mkdir(parents=True)
    parts = {"train": drawn(10, train, (28, 28)), "t10k": drawn(10, test, (28, 28), seed=1)}
    for part, (images, labels) in parts.items():
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            path = place / f"{part}-{kind}-ubyte"
            if compress:
                path.with_name(path.name + ".gz").write_bytes(gzip.compress(idx_bytes(array)))
            else:
                path.write_bytes(idx_bytes(array))
    return parts["train"], parts["t10k"]


def write_pickle(path: Path, content: object) -> None:
    """A pickle as Python 2 and numpy 1 wrote upstream's: protocol 2, `numpy.core`, keys that load as bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content, protocol=2).replace(b"numpy._core.", b"numpy.core."))


def write_cifar10(folder: Path, *, train: int = 5, test: int = 2):
    """`cifar-10-batches-py` with five batches; train is the number of images of each class, a multiple of 5."""
    place = folder / "cifar-10-batches-py"
    images, labels = drawn(10, train, (3, 32, 32))
    test_images, test_labels = drawn(10, test, (3, 32, 32), seed=1)
    for number, (some, theirs) in enumerate(zip(np.split(images, 5), np.split(labels, 5), strict=True), start=1):
        write_pickle(place / f"data_batch_{number}", {b"data": some.reshape(-1, 3072), b"labels": theirs.tolist()})
    write_pickle(place / "test_batch", {b"data": test_images.reshape(-1, 3072), b"labels": test_labels.tolist()})
    return (images, labels), (test_images, test_labels)


def coarse_of(fine: np.ndarray) -> np.ndarray:
    """The coarse class that `write_cifar100` gives to a fine class: five fine classes to each, far apart."""
    return fine % 20


def write_cifar100(folder: Path, *, train: int = 2, test: int = 1):
    """`cifar-100-python` with 100 fine and 20 coarse classes and so many images of each fine class."""
    parts = {"train": drawn(100, train, (3, 32, 32)), "test": drawn(100, test, (3, 32, 32), seed=1)}
    for part, (images, fine) in parts.items():
        labels = {b"fine_labels": fine.tolist(), b"coarse_labels": coarse_of(fine).tolist()}
        write_pickle(folder / "cifar-100-python" / part, {b"data": images.reshape(-1, 3072), **labels})
    return parts["train"], parts["test"]


def write_npz(path: Path, images: np.ndarray, labels: np.ndarray) -> None:
    """A batch of ImageNet 32x32 as published: rows of 3072 bytes, labels from 1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, data=images.reshape(-1, 3072), labels=labels + 1)


def write_imagenet32(folder: Path, *, classes: int = 10, train: int = 7, test: int = 2):
    """`imagenet32` with ten training batches of one size and `val_data.npz`; needs classes * train divisible by 10."""
    images, labels = drawn(classes, train, (3, 32, 32))
    validation = drawn(classes, test, (3, 32, 32), seed=1)
    for number, (some, theirs) in enumerate(zip(np.split(images, 10), np.split(labels, 10), strict=True), start=1):
        write_npz(folder / "imagenet32" / f"train_data_batch_{number}.npz", some, theirs)
    write_npz(folder / "imagenet32" / "val_data.npz", *validation)
    return (images, labels), validation


def write_tiny_imagenet32(folder: Path, *, classes: int = 10, train: int = 7, test: int = 2):
    """`tiny-imagenet-32`: one file of training images and one of validation images."""
    parts = {"train": drawn(classes, train, (3, 32, 32)), "val": drawn(classes, test, (3, 32, 32), seed=1)}
    for part, (images, labels) in parts.items():
        write_npz(folder / "tiny-imagenet-32" / f"{part}_data.npz", images, labels)
    return parts["train"], parts["val"]


def drawings(characters: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Drawings (N, 105, 105) of 0 (ink) and 1 (paper), characters and drawers 1 to 20: blocks, as ink is connected."""
    blocks, _ = drawn(characters, 20, (15, 15), seed)
    labels = np.repeat(np.arange(characters), 20)
    return (blocks > 20).astype(np.uint8).repeat(7, 1).repeat(7, 2), labels, np.tile(np.arange(1, 21), characters)


def write_omniglot(folder: Path, *, background: int = 4, evaluation: int = 2):
    """`omniglot/images_background.npz` and `images_evaluation.npz` with so many characters, as the unpacked npz has."""
    (folder / "omniglot").mkdir(parents=True)
    halves = {"images_background": drawings(background), "images_evaluation": drawings(evaluation, seed=1)}
    for half, (images, labels, drawers) in halves.items():
        np.savez(folder / "omniglot" / f"{half}.npz", images=images, label=labels, drawer=drawers)
    return tuple(halves.values())


def write_omniglot_folders(folder: Path, *, background: int = 4, evaluation: int = 2):
    """`omniglot-py/<half>/<alphabet>/<character>/<number>_<drawer>.png`, two characters to an alphabet, as unzipped."""
    halves = {"images_background": drawings(background), "images_evaluation": drawings(evaluation, seed=1)}
    for half, (images, labels, drawers) in halves.items():
        for image, label, drawer in zip(images, labels.tolist(), drawers.tolist(), strict=True):
            place = folder / "omniglot-py" / half / f"Alphabet_{label // 2}" / f"character{label % 2 + 1:02d}"
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image * 255).convert("1").save(place / f"{label:04d}_{drawer:02d}.png")
    return tuple(halves.values())


def write_class_folders(folder: Path, *, classes: int = 3, train: int = 4, test: int = 2, held_out: str = "test"):
    """`train/class_0/0.png` and so on; returns (train, test), each sorted by class as they are read."""
    parts = {"train": drawn(classes, train, (3, 32, 32)), held_out: drawn(classes, test, (3, 32, 32), seed=1)}
    for part, (images, labels) in parts.items():
        order = np.argsort(labels, kind="stable")
        parts[part] = images[order], labels[order]
        for number, (image, label) in enumerate(zip(*parts[part], strict=True)):
            path = folder / part / f"class_{label}" / f"{number:03d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.transpose(1, 2, 0)).save(path)
    return parts["train"], parts[held_out]
