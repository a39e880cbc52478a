"""A batch of observations to look at a policy with: from a file, or as near to real ones as can be without one."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from plastic_rl.errors import UserError

Batch = Any  # an array with an observation a row, or a dict of such arrays

FILES = ("observations.npz", "observations.npy")
"""The names of a folder's observations."""


def observations_of(file: Path, space: spaces.Space[Any]) -> Batch:
    """The observations of an .npy or .npz; no pickles are loaded.

    An .npz holds one array, or one for each part of a space of dicts, by its name.

    Args:
        file: the file.
        space: what the model observes.

    Raises:
        UserError: there is no such file, or what it holds are no observations of the space.
    """
    try:
        with file.open("rb") as stream:
            loaded = np.load(stream, allow_pickle=False)
            arrays = dict(loaded) if isinstance(loaded, np.lib.npyio.NpzFile) else {"": loaded}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{file}: cannot be read as an .npy or .npz of observations ({error})") from error
    if isinstance(space, spaces.Dict):
        return _parts(arrays, space, file)
    if len(arrays) != 1:
        raise UserError(f"{file}: holds {', '.join(arrays)}; give one array of observations, one a row")
    return _checked(next(iter(arrays.values())), space, str(file))


def observations_file(source: Path) -> Path:
    """The file with observations that is meant: of a folder the one that is called so.

    Raises:
        UserError: the folder has none.
    """
    if not source.is_dir():
        return source
    found = [source / name for name in FILES if (source / name).is_file()]
    if not found:
        raise UserError(
            f"{source}: holds neither {' nor '.join(FILES)}; save some with "
            "plastic_rl.sb3.save_observations(model, file), or give an .npy or .npz"
        )
    return found[0]


def _parts(arrays: dict[str, Any], space: Any, file: Path) -> Batch:
    missing = [name for name in space.spaces if name not in arrays]
    if missing:
        raise UserError(f"{file}: lacks {', '.join(missing)}; the model observes a dict of {', '.join(space.spaces)}")
    batch = {name: _checked(arrays[name], part, f"{file}: {name}") for name, part in space.spaces.items()}
    if len({len(part) for part in batch.values()}) > 1:
        lengths = ", ".join(f"{len(part)} of {name}" for name, part in batch.items())
        raise UserError(f"{file}: has not as many rows of each: {lengths}")
    return batch


def _checked(array: Any, space: spaces.Space[Any], where: str) -> Any:
    shapes = [space.shape]
    if is_image(space):  # SB3 puts the channels first, environments put them last
        assert space.shape is not None
        shapes.append((*space.shape[1:], space.shape[0]))
    if array.shape[1:] not in shapes or not array.ndim:
        raise UserError(f"{where}: has rows of shape {array.shape[1:]}, the model observes {space.shape}")
    if not len(array):
        raise UserError(f"{where}: holds no observation")
    if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
        raise UserError(f"{where}: holds what is no finite number")
    if not isinstance(space, spaces.Box) and not all(space.contains(row.astype(space.dtype)) for row in array):
        raise UserError(f"{where}: holds rows that are no members of {space}")
    return array


def count_of(batch: Batch) -> int:
    """The number of observations in a batch."""
    return len(next(iter(batch.values())) if isinstance(batch, dict) else batch)


def is_image(space: spaces.Space[Any]) -> bool:
    """True for a space of images: bytes along three axes."""
    return isinstance(space, spaces.Box) and space.dtype == np.uint8 and len(space.shape) == 3


def has_images(space: spaces.Space[Any]) -> bool:
    """True for a space of images, or of dicts with some."""
    return any(map(is_image, space.spaces.values())) if isinstance(space, spaces.Dict) else is_image(space)
