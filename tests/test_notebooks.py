"""The notebooks: in step with the scripts that they are made from, and that they run."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def notebooks():
    spec = importlib.util.spec_from_file_location("notebooks", ROOT / "docs" / "notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = '''"""A head.

python examples/a.py [tasks]
"""

import sys

# Of them
TASKS = int(sys.argv[1]) if len(sys.argv) > 1 else 50
text = """one

two"""  # both


def twice(number):
    doubled = number + number

    return doubled
'''


def test_a_script_is_cut_between_its_statements(notebooks):
    head, *code = notebooks.notebook(SCRIPT).cells
    assert (head.cell_type, head.source) == ("markdown", "A head.")
    assert [cell.source for cell in code] == [
        '# Of them\nTASKS = 50\ntext = """one\n\ntwo"""  # both',
        "def twice(number):\n    doubled = number + number\n\n    return doubled",
    ]


def test_they_are_in_step_with_their_scripts(notebooks):
    """After a change of a script `python docs/notebooks.py` writes them again."""
    assert {path.stem for path in EXAMPLES.glob("*.ipynb")} == set(notebooks.NAMES)
    for name in notebooks.NAMES:
        assert (EXAMPLES / f"{name}.ipynb").read_text() == notebooks.text_of(name)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "said"), [("own_torch_loop", "units/dormant"), ("own_environment", "task 4 (")])
def test_they_run(name, said, tmp_path):
    from nbclient import NotebookClient

    notebook = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])]
    assert said in "".join(outputs)
