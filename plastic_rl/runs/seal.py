"""A digest at the end of a file, so that a flipped bit or a missing tail is seen before the file is believed.

The archive that `torch.save` writes tolerates bytes after its end, so a sealed checkpoint still opens with a plain
`torch.load`.
"""

from __future__ import annotations

import hashlib
import os
from typing import BinaryIO

MARK = b"\nsha256 "
SEAL_BYTES = len(MARK) + 64 + 1
CHUNK_BYTES = 1 << 20


def seal(file: BinaryIO) -> None:
    """Append the SHA-256 of everything in `file`, which is open for reading and writing."""
    file.write(_seal_of(file, length=file.seek(0, os.SEEK_END)))


def is_whole(file: BinaryIO) -> bool:
    """True if `file` ends with the seal of everything before it; leaves the file at its start."""
    length = file.seek(0, os.SEEK_END) - SEAL_BYTES
    if length < 0:
        return False
    expected, found = _seal_of(file, length), file.read()
    file.seek(0)
    return found == expected


def _seal_of(file: BinaryIO, length: int) -> bytes:
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(min(CHUNK_BYTES, length - file.tell())):
        digest.update(chunk)
    return MARK + digest.hexdigest().encode() + b"\n"
