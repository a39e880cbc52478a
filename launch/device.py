"""Checks that the device that a run asks for is there."""

from __future__ import annotations

import re

from plastic_rl.errors import UserError

_NAMES = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def check_device_name(name: str) -> None:
    """Refuse a word that names no device, without loading torch.

    Raises:
        UserError: It is none.
    """
    if not _NAMES.fullmatch(name):
        raise UserError(f"device={name} names no device: expected cpu, cuda, cuda:1, mps or auto")


def check_device_present(name: str) -> None:
    """Refuse a device that torch does not find on this machine.

    Raises:
        UserError: It is not there.
    """
    if name in ("cpu", "auto"):
        return
    import torch

    kind, _, number = name.partition(":")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise UserError(
            f"device={name} is not there: torch finds {torch.cuda.device_count()} CUDA devices; try device=cpu"
        )
    if kind == "mps" and not torch.backends.mps.is_available():
        raise UserError("device=mps is not there: torch finds no Apple GPU; try device=cpu")
