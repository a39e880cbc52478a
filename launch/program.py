"""The name of the command that a process was started by, as its own messages call it."""

from __future__ import annotations

import sys
from pathlib import Path

SCRIPT = "python train.py"


def program() -> str:
    """Return what starts runs here: `plastic-rl train` where the package's command is at work, else the script."""
    command = Path(sys.argv[0]).name
    return f"{command} train" if command == "plastic-rl" else SCRIPT
