"""Whose checkpoint it is: the settings that it was made with, and the version of its form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from plastic_rl.errors import RunError

FORMAT = 2
"""Of what is written; 1 is without a number and settings, and is still read."""

DIFFERENCES_SHOWN = 3


def identity(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The identity of a checkpoint: its form, and the settings of its run.

    Args:
        settings: What makes the result, the seed included: nested mappings, of numbers, words and lists of them.
    """
    return {"format": FORMAT, "settings": dict(_flat(settings))}


def check_identity(saved: Mapping[str, Any], settings: Mapping[str, Any], path: Path) -> None:
    """Refuse a checkpoint of another run.

    Args:
        saved: The checkpoint; one that does not say whose it is (of format 1) passes.
        settings: Of the run that is to go on with it; what only one of both knows is not compared.
        path: Of the checkpoint, for the message.

    Raises:
        RunError: It was made with other settings, or is in a newer form.
    """
    form, made_with, mine = saved.get("format", 1), saved.get("settings", {}), dict(_flat(settings))
    if form > FORMAT:
        raise RunError(
            f"{path} was written by a newer version of plastic_rl (form {form}; this one reads up to {FORMAT}). "
            "Update plastic_rl, or start over with fresh=true."
        )
    differing = [name for name in mine if name in made_with and made_with[name] != mine[name]]
    if differing:
        shown = [f"{name} is {made_with[name]} there and {mine[name]} here" for name in differing[:DIFFERENCES_SHOWN]]
        more = f", and {len(differing) - len(shown)} more differ" if len(differing) > len(shown) else ""
        raise RunError(f"{path} is of another run: {', '.join(shown)}{more}. Remove it, or start over with fresh=true.")


def misfit(path: Path, error: Exception) -> RunError:
    """The error of a checkpoint that what is trained cannot take over.

    Args:
        path: Of the checkpoint.
        error: What came of trying.
    """
    cause = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return RunError(
        f"{path} does not fit this run ({cause}): it was made with other settings or by another version.\n"
        "Remove it, or start over with fresh=true."
    )


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple):
            yield f"{prefix}{name}", [_plain(item) for item in value]
        else:
            yield f"{prefix}{name}", _plain(value)


def _plain(value: object) -> object:
    # What a checkpoint cannot hold is told apart by its text.
    return value if type(value) in (bool, int, float, str, type(None)) else str(value)
