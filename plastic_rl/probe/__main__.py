"""``python -m plastic_rl.probe model.zip``: can a saved SB3 model still learn?"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from plastic_rl.errors import UserError

EPILOG = "exit code: 0 if it learns as a fresh network does, 1 if worse, 2 where a file cannot be used"


def main(arguments: list[str] | None = None, *, program: str = "python -m plastic_rl.probe") -> int:
    """Probes the model named on the command line and prints what it finds; returns the exit code."""
    parser = argparse.ArgumentParser(prog=program, description=__doc__, epilog=EPILOG)
    parser.add_argument("model", type=Path, help="a model saved by Stable-Baselines3, or a run's folder")
    parser.add_argument(
        "--observations", type=Path, metavar="FILE", help="real observations, one a row: .npy, .npz or a folder"
    )
    parser.add_argument("--vecnormalize", type=Path, metavar="FILE", help="what VecNormalize.save wrote")
    parser.add_argument("--repeats", type=int, default=8, metavar="N", help="new targets, each with a fresh network")
    parser.add_argument("--updates", type=int, default=300, metavar="N", help="of each network")
    parser.add_argument("--learning-rate", type=float, default=1e-3, metavar="X", help="of Adam")
    parser.add_argument("--replace", action="store_true", help="targets stand in place of what a network says")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--trust", action="store_true", help="load all that the zip brings, code included")
    asked = parser.parse_args(arguments)
    # Torch takes seconds to import: not before the arguments are known to be right.
    from plastic_rl.diagnostics.probing import ProbeSettings
    from plastic_rl.probe.saved import probe_saved

    try:
        settings = ProbeSettings(
            asked.repeats, asked.updates, learning_rate=asked.learning_rate, adds=not asked.replace
        )
        found = probe_saved(
            asked.model,
            settings=settings,
            observations=asked.observations,
            vecnormalize=asked.vecnormalize,
            trust=asked.trust,
        )
    except (UserError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(found.as_dict(), indent=2) if asked.json else found)
    return 0 if found.is_plastic else 1


if __name__ == "__main__":
    sys.exit(main())
