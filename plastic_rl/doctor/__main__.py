"""``python -m plastic_rl.doctor model.zip``: what became of the network of a saved SB3 model."""

from __future__ import annotations

import argparse
import sys

from plastic_rl.doctor.command_line import answer, parser_for_models
from plastic_rl.doctor.examination import Examination
from plastic_rl.doctor.saved import examine_saved

PROGRAM = "python -m plastic_rl.doctor"
DESCRIPTION = "What became of the network of a saved SB3 model, beside fresh ones."
EPILOG = "exit code: 0 for a healthy network, 1 with a complaint, 2 where a file cannot be used"


def main(arguments: list[str] | None = None, *, program: str = PROGRAM) -> int:
    """Looks at the model named on the command line and prints what it finds; returns the exit code."""
    parser = parser_of(program)
    options = vars(parser.parse_args(arguments))
    if options["samples"] is not None and options["samples"] < 2:
        parser.error(f"--samples must be 2 or more, got {options['samples']}")
    as_json, path = options.pop("json"), options.pop("model")

    def look() -> Examination:
        return examine_saved(path, **options)

    return answer(look, lambda found: found.is_healthy, as_json=as_json)


def parser_of(program: str = PROGRAM) -> argparse.ArgumentParser:
    """The parser of its command line, called by a name."""
    parser = parser_for_models(program, DESCRIPTION, EPILOG)
    parser.add_argument(
        "--samples",
        type=int,
        metavar="N",
        help="how many observations to draw without a file (default: 1024; images: 256)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
