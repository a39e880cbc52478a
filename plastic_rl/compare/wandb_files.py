"""Runs of Weights & Biases: the file run-<id>.wandb that each leaves in its folder, online or offline.

The file is a log in LevelDB's format: seven bytes of head, then blocks of 32 KiB, in which each piece of a record has a
head of its own: a checksum of four bytes, a length of two, and one that says if it is whole, first, middle or last.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plastic_rl.compare.foreign import tabled
from plastic_rl.compare.runs import Run
from plastic_rl.extras import needed

PATTERN = "run-*.wandb"
BLOCK, HEAD, PIECE_HEAD = 32_768, 7, 7
WHOLE, FIRST, LAST = 1, 2, 4


def runs_in(file: Path, score: str | None) -> Iterator[Run]:
    """The run of a file.

    Args:
        file: as W&B wrote it; one that it still writes is read as far as it goes.
        score: the name of what the run is judged by; None for the first known.
    """
    messages = needed("wandb.proto.wandb_internal_pb2", "reading W&B's files")
    rows: list[dict[str, float]] = []
    settings: dict[str, object] = {}
    for data in records(file.read_bytes()):
        record = messages.Record()
        record.ParseFromString(data)
        kind = record.WhichOneof("record_type")
        if kind == "history":
            rows.append(dict(_numbers(record.history.item)))
        elif kind in ("run", "config"):
            config = record.run.config if kind == "run" else record.config
            settings |= dict(_settings(config.update))
    yield from tabled(file, [row for row in rows if row], score, settings)


def records(data: bytes) -> Iterator[bytes]:
    """The records of a log, up to the first that is not whole."""
    place, begun = HEAD, b""
    while place + PIECE_HEAD <= len(data):
        left = BLOCK - place % BLOCK
        if left < PIECE_HEAD:  # no head fits into the rest of the block
            place += left
            continue
        length, kind = struct.unpack_from("<HB", data, place + 4)
        piece = data[place + PIECE_HEAD : place + PIECE_HEAD + length]
        if len(piece) < length or not kind:
            return
        place += PIECE_HEAD + length
        begun = piece if kind in (WHOLE, FIRST) else begun + piece
        if kind in (WHOLE, LAST):
            yield begun


def _numbers(items: Any) -> Iterator[tuple[str, float]]:
    for item in items:
        value = json.loads(item.value_json)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield item.key or ".".join(item.nested_key), float(value)


def _settings(items: Any) -> Iterator[tuple[str, object]]:
    for item in items:
        name = item.key or ".".join(item.nested_key)
        if not name.startswith("_"):  # W&B's own
            yield from _flat(name, json.loads(item.value_json))


def _flat(name: str, value: Any) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for inner, each in value.items():
            yield from _flat(f"{name}.{inner}", each)
    else:
        yield name, value
