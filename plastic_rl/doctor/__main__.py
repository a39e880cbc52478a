"""``python -m plastic_rl.doctor model.zip``: what became of the network of a saved SB3 model."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from plastic_rl.errors import UserError

EPILOG = "exit code: 0 for a healthy network, 1 with a complaint, 2 where a file cannot be used"


def main(arguments: list[str] | None = None, *, program: str = "python -m plastic_rl.doctor") -> int:
    """Looks at the model named on the command line and prints what it finds; returns the exit code."""
    parser = argparse.ArgumentParser(prog=program, description=__doc__, epilog=EPILOG)
    parser.add_argument("model", type=Path, help="a model saved by Stable-Baselines3, or a run's folder")
    parser.add_argument(
        "--observations", type=Path, metavar="FILE", help="real observations, one a row: .npy, .npz or a folder"
    )
    parser.add_argument("--vecnormalize", type=Path, metavar="FILE", help="what VecNormalize.save wrote")
    parser.add_argument("--samples", type=int, metavar="N", help="how many observations to draw without a file")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--trust", action="store_true", help="load all that the zip brings, code included")
    options = vars(parser.parse_args(arguments))
    if options["samples"] is not None and options["samples"] < 2:
        parser.error(f"--samples must be 2 or more, got {options['samples']}")
    as_json, path = options.pop("json"), options.pop("model")
    # Torch takes seconds to import: not before the arguments are known to be right.
    from plastic_rl.doctor.saved import examine_saved

    try:
        found = examine_saved(path, **options)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(json.dumps(found.as_dict(), indent=2) if as_json else found)
    return 0 if found.is_healthy else 1


if __name__ == "__main__":
    sys.exit(main())
