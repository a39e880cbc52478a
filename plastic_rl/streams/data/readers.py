"""Upstream's own files as uint8 numpy arrays, channel first: IDX, CIFAR, ImageNet 32x32, class folders and Omniglot.

Every reader raises :class:`~plastic_rl.errors.UserError` for a file that is missing, damaged or of another kind; the
message names the file and says what to do. Labels count from 0, whatever upstream does.
"""

from __future__ import annotations

import gzip
import math
import pickle
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8

from plastic_rl.errors import UserError

Images = UInt8[np.ndarray, "images channels height width"]
Drawings = UInt8[np.ndarray, "images 105 105"]
Labels = Int64[np.ndarray, " images"]

# What numpy puts into the pickle of an array of numbers; the older path is the one in upstream's files.
ARRAY_PICKLES = {
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.ndarray",
    "numpy.dtype",
    "_codecs.encode",
}
DAMAGED = (OSError, EOFError, ValueError, KeyError, zlib.error, zipfile.BadZipFile, pickle.UnpicklingError)


def read_idx(path: Path) -> UInt8[np.ndarray, "..."]:
    """The array of bytes in an IDX file, as MNIST and Fashion-MNIST come (LeCun et al., 1998).

    Args:
        path: A plain or a gzipped file: two zero bytes, the type (8, unsigned byte), the number of dimensions, each
            dimension as four big-endian bytes, and the bytes themselves.

    Raises:
        UserError: The file is not there, is cut short, is too long, or is of another type.
    """
    with _reading(path, "an IDX file of unsigned bytes"):
        content = path.read_bytes()
        content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
        if content[:3] != b"\x00\x00\x08":
            raise ValueError(f"it begins with {content[:3].hex(' ')}, not with 00 00 08")
        header = 4 + 4 * content[3]
        shape = tuple(np.frombuffer(content[4:header], ">u4").tolist())
        if len(content) - header != math.prod(shape):
            raise ValueError(f"shape {shape} takes {math.prod(shape)} bytes, {len(content) - header} follow")
        return np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy()


def read_cifar(path: Path, *labels: str) -> tuple[np.ndarray, ...]:
    """The images (N, 3, 32, 32) of one pickled CIFAR batch, then each kind of label asked for (Krizhevsky, 2009).

    Nothing but arrays, numbers and strings is unpickled, so that a file from a stranger cannot run code.

    Args:
        path: `data_batch_1` … `test_batch` of `cifar-10-batches-py`, or `train` or `test` of `cifar-100-python`.
        labels: `labels` for CIFAR-10; `fine_labels` and `coarse_labels` for CIFAR-100.

    Raises:
        UserError: The file is not there, is damaged, has other contents, or asks for code to be run.
    """
    with _reading(path, "a pickled CIFAR batch"):
        with path.open("rb") as file:
            content = _ArraysOnly(file, encoding="bytes").load()
        if not isinstance(content, dict):
            raise ValueError(f"it holds a {type(content).__name__}, not a dict")
        images = channel_first(np.asarray(content[b"data"]))
        return images, *(_checked(np.asarray(content[kind.encode()]), len(images)) for kind in labels)


def scrambled_as_released(images: Images) -> Images:
    """CIFAR images as the released APD code reads them: channel-first bytes taken for channel-last (`data_loader.py`).

    Each row of the result is three true rows, its three channels are three neighbouring pixels of one colour, and the
    red, green and blue planes lie one below the other. GPM and WSN have copied that loader for CIFAR-100 Superclass, so
    that their published accuracies are accuracies on such images.
    """
    count, channels, height, width = images.shape
    return np.ascontiguousarray(images.reshape(count, height, width, channels).transpose(0, 3, 1, 2))


def read_imagenet32(paths: Sequence[Path]) -> tuple[Images, Labels]:
    """The images (N, 3, 32, 32) and labels of the npz batches of Downsampled ImageNet (Chrabaszcz et al., 2017).

    The batches are copied one by one into one array, so that at most one batch is in memory twice.

    Args:
        paths: Files with `data` (N, 3072), uint8, channel first, and `labels` (N,), counting from 1.

    Raises:
        UserError: A file is not there, is damaged, or holds something else.
    """
    labels = np.concatenate([_member(path, "labels") for path in paths]).astype(np.int64)
    images = np.empty((len(labels), 3, 32, 32), np.uint8)
    start = 0
    for path in paths:
        with _reading(path, "a batch of ImageNet 32x32"):
            batch = channel_first(_member(path, "data"))
            images[start : start + len(batch)] = batch
            start += len(batch)
    with _reading(paths[-1], "a batch of ImageNet 32x32"):
        return images, _checked(labels - 1, start)


def read_class_folders(folder: Path, size: int) -> tuple[Images, Labels, list[str]]:
    """The images, labels and class names of a folder that has one folder of images for each class.

    Classes are numbered in the order of their names. Images of any format that Pillow reads are taken, at any depth
    below the class (Tiny-ImageNet has `images` in between), as RGB; one that is not size x size is reduced to it by
    the mean over boxes, without regard to its aspect ratio, as Downsampled ImageNet was made.

    Args:
        folder: The folder of the classes' folders.
        size: Height and width in pixels of what is returned.

    Raises:
        UserError: There are no class folders, one has no image, or an image is damaged.
    """
    names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if not names:
        raise UserError(
            f"{folder} has no class folders: expected one folder of images for each class, e.g. {folder}/cat."
        )
    files = [_images_below(folder / name) for name in names]
    labels = np.repeat(np.arange(len(names)), [len(paths) for paths in files])
    images = np.empty((len(labels), 3, size, size), np.uint8)
    for index, path in enumerate(path for paths in files for path in paths):
        images[index] = _picture(path, size)
    return images, labels, names


def read_omniglot(path: Path) -> tuple[Drawings, Labels, Labels]:
    """The images (0 ink, 255 paper), characters and drawers (1 to 20) of a half of Omniglot (Lake et al., 2015).

    Characters are numbered from 0 in the order of their paths, alphabet by alphabet.

    Args:
        path: `images_background` or `images_evaluation`, as upstream's zip unpacks (`alphabet/character/0001_01.png`),
            or an npz of the same with `images` (N, 105, 105), 0 or 1, `label` and `drawer`.

    Raises:
        UserError: It is not there, is damaged, or holds something else.
    """
    return _omniglot_npz(path) if path.suffix == ".npz" else _omniglot_folders(path)


def channel_first(rows: np.ndarray) -> Images:
    """The images (N, 3, 32, 32) of rows of 3072 bytes: the red plane, then the green, then the blue.

    Raises:
        ValueError: The rows are not that.
    """
    if rows.dtype != np.uint8 or rows.shape[1:] != (3072,):
        raise ValueError(f"data is {rows.dtype} of shape {rows.shape}, not uint8 of shape (N, 3072)")
    return rows.reshape(-1, 3, 32, 32)


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str, /) -> Any:
        if f"{module}.{name}" not in ARRAY_PICKLES:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no batch of images needs")
        return super().find_class(module, name)


@contextmanager
def _reading(path: Path, kind: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"{path} is not there: expected {kind}.") from error
    except DAMAGED as error:
        raise UserError(
            f"{path} cannot be read as {kind}: {error or type(error).__name__}.\n"
            "It is damaged or another file; delete it and put a good copy in its place."
        ) from error


def _member(path: Path, key: str) -> np.ndarray:
    with _reading(path, f"an npz file with {key}"), path.open("rb") as file, np.load(file) as content:
        return content[key]


def _checked(labels: np.ndarray, count: int) -> Labels:
    if labels.shape != (count,) or labels.min(initial=0) < 0:
        raise ValueError(f"{labels.shape} labels from {labels.min(initial=0)} up for {count} images")
    return labels.astype(np.int64)


def _images_below(folder: Path) -> list[Path]:
    from PIL import Image

    known = Image.registered_extensions()
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in known)
    if not files:
        raise UserError(f"{folder} has no images: expected at least one file such as .png or .jpg for the class.")
    return files


def _picture(path: Path, size: int) -> UInt8[np.ndarray, "3 {size} {size}"]:
    from PIL import Image

    with _reading(path, "an image"), Image.open(path) as image:
        reduced = image.convert("RGB").resize((size, size), Image.Resampling.BOX)
        return np.asarray(reduced).transpose(2, 0, 1)


def _omniglot_npz(path: Path) -> tuple[Drawings, Labels, Labels]:
    images, labels, drawers = (_member(path, key) for key in ("images", "label", "drawer"))
    with _reading(path, "a half of Omniglot"):
        if images.dtype != np.uint8 or images.shape[1:] != (105, 105):
            raise ValueError(f"images is {images.dtype} of shape {images.shape}, not uint8 of shape (N, 105, 105)")
        return images * np.uint8(255), _checked(labels, len(images)), _checked(drawers, len(images))


def _omniglot_folders(folder: Path) -> tuple[Drawings, Labels, Labels]:
    files = sorted(folder.glob("*/*/*_*.png"))
    if not files:
        raise UserError(
            f"{folder} has no drawings: expected alphabet/character/0001_01.png below it, as upstream's zip has."
        )
    _, labels = np.unique([str(file.parent) for file in files], return_inverse=True)
    drawers = [int(file.stem.rpartition("_")[2]) for file in files]
    return np.stack([_drawing(file) for file in files]), labels.astype(np.int64), np.array(drawers)


def _drawing(path: Path) -> UInt8[np.ndarray, "105 105"]:
    from PIL import Image

    with _reading(path, "a drawing"), Image.open(path) as image:
        if image.size != (105, 105):
            raise ValueError(f"it is of {image.width} x {image.height} pixels, not of 105 x 105")
        return np.asarray(image.convert("L"))
