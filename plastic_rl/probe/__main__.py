"""``python -m plastic_rl.probe model.zip``: can a saved SB3 model still learn?"""

from __future__ import annotations

import argparse
import sys
from functools import partial

from plastic_rl.diagnostics.probing import ProbeSettings
from plastic_rl.doctor.command_line import answer, parser_for_models
from plastic_rl.probe.saved import Probed, probe_saved

PROGRAM = "python -m plastic_rl.probe"
DESCRIPTION = "Can a saved SB3 model still learn? Copies of it and fresh networks learn new targets."
EPILOG = "exit code: 0 if it learns as a fresh network does, 1 if worse, 2 where a file cannot be used"


def main(arguments: list[str] | None = None, *, program: str = PROGRAM) -> int:
    """Probes the model named on the command line and prints what it finds; returns the exit code."""
    parser = parser_of(program)
    asked = parser.parse_args(arguments)
    try:
        settings = ProbeSettings(
            asked.repeats, asked.updates, learning_rate=asked.learning_rate, adds=not asked.replace
        )
    except ValueError as error:
        parser.error(str(error))

    def look() -> Probed:
        files = {"observations": asked.observations, "vecnormalize": asked.vecnormalize}
        return probe_saved(asked.model, settings=settings, trust=asked.trust, **files)

    return answer(look, lambda found: found.is_plastic, as_json=asked.json)


def parser_of(program: str = PROGRAM) -> argparse.ArgumentParser:
    """The parser of its command line, called by a name."""
    parser, usual = parser_for_models(program, DESCRIPTION, EPILOG), ProbeSettings()
    add = partial(parser.add_argument, metavar="N")
    add(
        "--repeats",
        type=int,
        default=usual.repeats,
        help="new targets, each with a fresh network (default: %(default)s)",
    )
    add("--updates", type=int, default=usual.updates, help="steps of Adam of each network (default: %(default)s)")
    add("--learning-rate", type=float, default=usual.learning_rate, metavar="X", help="of Adam (default: %(default)s)")
    parser.add_argument("--replace", action="store_true", help="targets stand in place of outputs, not on top of them")
    return parser


if __name__ == "__main__":
    sys.exit(main())
