"""``python -m plastic_rl.doctor model.zip``: what became of the network of a saved SB3 model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from plastic_rl.errors import UserError


def main(arguments: list[str] | None = None) -> int:
    """Scans the model named on the command line and prints what it finds; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m plastic_rl.doctor", description=__doc__)
    parser.add_argument("model", type=Path, help="a model saved by Stable-Baselines3")
    parser.add_argument("--observations", type=Path, help=".npy of observations to look at the units with, one a row")
    parser.add_argument("--samples", type=int, default=1024, help="how many observations to draw without a file")
    options = parser.parse_args(arguments)
    # Stable-Baselines3 takes seconds to import: not before the arguments are known to be right.
    from plastic_rl.sb3.doctor import scan

    try:
        print(scan(options.model, options.observations, options.samples))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
