"""The notebooks, made from scripts in examples/: `python docs/notebooks.py` writes them again.

The words at the head of a script are the first cell; lines between which nothing stands empty are one more each. What a
script reads from its command line is its usual value.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NAMES = ("own_torch_loop", "own_environment")
FROM_COMMAND_LINE = re.compile(r"int\(sys\.argv\[1\]\) if len\(sys\.argv\) > 1 else ")
USAGE = re.compile(r"\n*^python examples/.*$", re.MULTILINE)


def notebook(script: str) -> nbformat.NotebookNode:
    """Return the notebook of a script."""
    tree = ast.parse(script)
    words = USAGE.sub("", ast.get_docstring(tree) or "").strip()
    cells = [new_markdown_cell(words), *map(new_code_cell, paragraphs(script, tree))]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def paragraphs(script: str, tree: ast.Module) -> list[str]:
    """Return the code of a script, cut where lines stand empty between two statements."""
    lines, parts, end = script.splitlines(), [], 0
    for statement in tree.body[1:]:
        first = min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", []))])
        while first > 1 and lines[first - 2].startswith("#"):
            first -= 1
        text = "\n".join(lines[first - 1 : statement.end_lineno])
        if parts and first == end + 1:
            parts[-1] += f"\n{text}"
        else:
            parts.append(text)
        end = statement.end_lineno or first
    return [part for part in (without_command_line(each) for each in parts) if part]


def without_command_line(code: str) -> str:
    """Return code that reads nothing from the command line."""
    code = FROM_COMMAND_LINE.sub("", code)
    return code if "sys." in code else re.sub(r"^import sys\n?", "", code, flags=re.MULTILINE)


def text_of(name: str) -> str:
    """Return the text of the notebook of an example."""
    return nbformat.writes(notebook((EXAMPLES / f"{name}.py").read_text())) + "\n"


if __name__ == "__main__":
    for each in NAMES:
        (EXAMPLES / f"{each}.ipynb").write_text(text_of(each))
