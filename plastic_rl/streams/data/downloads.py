"""Upstream's files: their addresses and checksums, and the way into a folder (pooch does the fetching)."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from plastic_rl.errors import UserError

SETTING = "env.data_folder"
IDX_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@dataclass(frozen=True)
class Upstream:
    """One file that upstream publishes, and what stands in its place once it is there.

    Args:
        url: Where it is.
        md5: Upstream's checksum, in hexadecimal.
        path: Where it goes, below the folder of all data.
        unpacked: What an archive unpacks to, below the same folder as itself; empty for a file that is read as it is.
        instead: A file, below the folder of all data, that serves as well.
    """

    url: str
    md5: str
    path: str
    unpacked: tuple[str, ...] = ()
    instead: str = ""

    def is_in(self, folder: Path) -> bool:
        """True if what is read is there already, so that neither archive nor network is needed."""
        place = (folder / self.path).parent
        needed = [place / name for name in self.unpacked] or [folder / self.path]
        return all(path.exists() for path in needed) or bool(self.instead and (folder / self.instead).exists())


def _idx_files(server: str, folder: str, md5s: tuple[str, str, str, str]) -> tuple[Upstream, ...]:
    return tuple(
        Upstream(f"{server}/{name}.gz", md5, f"{folder}/raw/{name}.gz", instead=f"{folder}/raw/{name}")
        for name, md5 in zip(IDX_FILES, md5s, strict=True)
    )


def _cifar(name: str, md5: str, folder: str, *files: str) -> tuple[Upstream, ...]:
    url = f"https://www.cs.toronto.edu/~kriz/{name}"
    return (Upstream(url, md5, name, unpacked=tuple(f"{folder}/{file}" for file in files)),)


def _omniglot(half: str, md5: str) -> Upstream:
    url = f"https://github.com/brendenlake/omniglot/raw/master/python/{half}.zip"
    return Upstream(url, md5, f"omniglot-py/{half}.zip", unpacked=(half,), instead=f"omniglot/{half}.npz")


UPSTREAM: dict[str, tuple[Upstream, ...]] = {
    "mnist": _idx_files(
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        "MNIST",
        (
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "d53e105ee54ea40749a09fcbcd1e9432",
            "9fb629c4189551a2d022fa330f9573f3",
            "ec29112dd5afa0611ce80d1b7f02629c",
        ),
    ),
    "fashion-mnist": _idx_files(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        "FashionMNIST",
        (
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ),
    ),
    "cifar10": _cifar(
        "cifar-10-python.tar.gz",
        "c58f30108f718f92721af3b95e74349a",
        "cifar-10-batches-py",
        *(f"data_batch_{number}" for number in range(1, 6)),
        "test_batch",
    ),
    "cifar100": _cifar(
        "cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85", "cifar-100-python", "train", "test"
    ),
    "omniglot": (
        _omniglot("images_background", "68d2efa1b9178cc56df9314c21c6e718"),
        _omniglot("images_evaluation", "6b91aef0f799c5bb55b94e3f2daec811"),
    ),
}


def cache_folder() -> Path:
    """The folder for data that nobody has named: `plastic_rl` in the user's cache (`XDG_CACHE_HOME` is obeyed)."""
    import pooch

    return Path(pooch.os_cache("plastic_rl"))


def fetch(name: str, folder: Path, *, download: bool = True) -> None:
    """Put what upstream publishes of a data set into a folder; what is there already is left as it is.

    A file is written under a temporary name, checked against upstream's checksum and renamed; an archive is unpacked
    beside its place and moved there. So neither a lost connection nor a kill leaves half a file. An archive that
    somebody has put in its place by hand is checked and unpacked, not downloaded.

    Args:
        name: A data set; one that is not in `UPSTREAM` has nothing that can be fetched.
        folder: The folder of all data.
        download: Whether the network may be used.

    Raises:
        UserError: A file is missing and could not be had: says which, where it comes from and where to put it.
    """
    for file in UPSTREAM.get(name, ()):
        if not file.is_in(folder):
            _get(name, file, folder, download)


def _get(name: str, file: Upstream, folder: Path, download: bool) -> None:
    path = folder / file.path
    try:
        if download:
            _retrieve(file, path)
        else:
            _check(file, path)
        if file.unpacked:
            _unpack(file, path)
    except (OSError, ValueError) as error:
        raise UserError(
            f"The data set {name} needs {path}: {_reason(error)}.\n"
            f"Get it from {file.url} and put it there, or name the folder that has it: {SETTING}=FOLDER."
        ) from error


def _retrieve(file: Upstream, path: Path) -> None:
    import pooch

    progressbar = sys.stderr.isatty()
    pooch.retrieve(file.url, f"md5:{file.md5}", fname=path.name, path=path.parent, progressbar=progressbar)


def _check(file: Upstream, path: Path) -> None:
    import pooch

    if not path.exists():
        raise FileNotFoundError("it is not there, and downloading is switched off")
    if pooch.file_hash(str(path), alg="md5") != file.md5:
        raise ValueError("another checksum")


def _unpack(file: Upstream, archive: Path) -> None:
    import pooch

    processor = pooch.Unzip if archive.suffix == ".zip" else pooch.Untar
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".unpacking-") as beside:
        processor(extract_dir=beside)(str(archive), "download", None)
        for name in file.unpacked:
            target = archive.parent / name
            target.parent.mkdir(exist_ok=True)
            if not target.exists():
                os.replace(Path(beside) / name, target)


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"its server answered {error.response.status_code}"
    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return "it is not there, and its server cannot be reached"
    if isinstance(error, requests.RequestException):
        return "the connection to its server broke off"
    if isinstance(error, ValueError):
        return "what is there, or what its server sends, does not have upstream's checksum"
    return str(error)
