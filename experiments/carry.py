"""Run folders of a study in one file, to be carried to another machine, or to another day, and to go on there."""

from __future__ import annotations

import os
import tarfile
from contextlib import ExitStack
from pathlib import Path

from plastic_rl.errors import UserError
from plastic_rl.runs import RunFolder


def carry(out: Path, packed: Path | None, unpacked: Path | None) -> None:
    """Takes the runs of one archive, writes another, as asked, and says what it did.

    Args:
        out: the runs of a study.
        packed: the archive to write, or None.
        unpacked: the archive to take runs from, or None.

    Raises:
        UserError: one of them cannot be done.
    """
    if unpacked is not None:
        count, there = unpack(unpacked, out)
        print(f"{count} runs taken from {unpacked}; left as they were: {', '.join(map(str, there)) or 'none'}")
    if packed is not None:
        print(f"{pack(out, packed)} runs in {packed}")


def pack(out: Path, archive: Path) -> int:
    """Writes the run folders of a study, finished or not, to an archive that replaces what was there when it is whole.

    Args:
        out: the runs of a study.
        archive: a file of the type .tar.gz.

    Returns:
        The number of runs.

    Raises:
        UserError: there are none, or another process is running one.
    """
    folders = _runs(out)
    if not folders:
        raise UserError(f"{out} holds no runs: there is nothing to pack")
    with ExitStack() as held:
        for folder in map(RunFolder, folders):
            folder.prepare(fresh=False)
            held.callback(folder.release)
        archive.parent.mkdir(parents=True, exist_ok=True)
        unfinished = archive.with_name(f"{archive.name}.part")
        with tarfile.open(unfinished, "w:gz") as file:
            for path in folders:
                file.add(path, path.relative_to(out), filter=_without_lock)
        os.replace(unfinished, archive)
    return len(folders)


def _without_lock(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """A member of the archive, unless it is the lock of a run, which is of this machine."""
    return None if Path(member.name).name == RunFolder(Path()).lock_file.name else member


def unpack(archive: Path, out: Path) -> tuple[int, list[Path]]:
    """Puts the runs of an archive where they go on; a run that is there already is left as it is.

    Args:
        archive: as `pack` writes it.
        out: the runs of a study.

    Returns:
        The number of runs that were put there, and the folders that were there before.

    Raises:
        UserError: the archive cannot be read.
    """
    there = {folder.relative_to(out) for folder in _runs(out)}
    try:
        with tarfile.open(archive) as file:
            members = file.getmembers()
            packed = {Path(member.name).parent for member in members if Path(member.name).name == "run.json"}
            new = [member for member in members if not there & {Path(member.name), *Path(member.name).parents}]
            file.extractall(out, new, filter="data")
    except (OSError, tarfile.TarError) as error:
        raise UserError(f"{archive} is no archive of runs that can be read: {error}") from error
    return len(packed - there), sorted(packed & there)


def _runs(out: Path) -> list[Path]:
    return sorted(file.parent for file in out.rglob("run.json"))
