"""The command `plastic-rl`: finds the recipes that came with the package, and hands over to them.

Agents, environments and what starts runs are the folders `agents`, `envs` and `launch` of the repository. People's own
projects have packages of these names too: a wheel therefore has the three inside of this package, in a folder where no
import finds them, and the process of this command alone has it on its path. A checkout has them where they are.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

PROGRAM = "plastic-rl"
RECIPES = "_recipes"


def recipes_folder() -> Path:
    """The folder that has `agents`, `envs` and `launch`: of the wheel, or else of the checkout."""
    package = Path(__file__).resolve().parent
    return package / RECIPES if (package / RECIPES).is_dir() else package.parent


def main() -> int:
    """Does what the words after the command ask for; returns the exit code."""
    sys.path.insert(0, str(recipes_folder()))
    sys.argv[0] = PROGRAM  # by which messages call it
    import_module("launch.console").prepare()  # first, so that Ctrl-C while the rest is imported is no traceback
    return import_module("launch.commands").main(sys.argv[1:])
