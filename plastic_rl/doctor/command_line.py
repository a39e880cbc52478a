"""The command line of a look at a saved model: the arguments that doctor and probe share, and how both end."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from plastic_rl.errors import UserError


class Finding(Protocol):
    """The outcome of a look at a model, in words by `str`."""

    def as_dict(self) -> dict[str, Any]:
        """All of it in plain values."""
        ...


AnyFinding = TypeVar("AnyFinding", bound=Finding)


def parser_for_models(program: str, description: str, epilog: str) -> argparse.ArgumentParser:
    """A parser with the arguments that name a model, its observations, and how to print what is found.

    Args:
        program: as messages call it.
        description: of what it does.
        epilog: on its exit codes.
    """
    parser = argparse.ArgumentParser(prog=program, description=description, epilog=epilog)
    add = parser.add_argument
    add("model", type=Path, help="a model saved by Stable-Baselines3, or a run's folder")
    add("--observations", type=Path, metavar="FILE", help="real observations, one a row: .npy, .npz or a folder")
    add("--vecnormalize", type=Path, metavar="FILE", help="what VecNormalize.save wrote")
    add("--json", action="store_true", help="print everything as JSON")
    add("--trust", action="store_true", help="load all that the zip brings, code included")
    return parser


def answer(find: Callable[[], AnyFinding], is_well: Callable[[AnyFinding], bool], *, as_json: bool) -> int:
    """Prints what is found, or why nothing can be; returns the exit code.

    Args:
        find: looks at the model.
        is_well: true for a finding whose exit code is 0.
        as_json: print plain values instead of words.
    """
    try:
        found = find()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(json.dumps(found.as_dict(), indent=2) if as_json else found)
    return 0 if is_well(found) else 1
