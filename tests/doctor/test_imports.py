"""The doctor stands on top: it calls the seam to Stable-Baselines3, and nothing below calls it."""

import ast
import subprocess
import sys
from pathlib import Path

LIBRARY = Path(__file__).parents[2] / "plastic_rl"


def imports(path):
    """Return the modules that a file imports, anywhere in it."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return names | {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}


def test_nothing_but_the_doctor_and_the_probe_calls_the_doctor():
    callers = {
        path.relative_to(LIBRARY).parts[0]
        for path in LIBRARY.rglob("*.py")
        if any(name.startswith("plastic_rl.doctor") for name in imports(path))
    }
    assert callers <= {"doctor", "probe"}


def test_the_seam_torchs_compiler_and_scipy_are_loaded_only_when_they_are_wanted():
    script = "import sys, plastic_rl.doctor, plastic_rl.doctor.__main__, plastic_rl.optim, plastic_rl.evaluation, "
    script += "plastic_rl.nn; print({'stable_baselines3', 'torch._dynamo', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
