"""The Python examples of the pages and of the docstrings run as they stand."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from contextlib import nullcontext
from doctest import DocTestParser

import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from launch.commands import COMMANDS
from tests.docs.docstrings import all_docstrings
from tests.docs.makers import MAKERS, MAKERS_OF, write_files
from tests.docs.pages import FRAGMENT, ROOT, Page, all_pages
from tests.docs.prelude import Prelude

PAGES = {page.path.relative_to(ROOT).as_posix(): page for page in all_pages()}
EXAMPLES = {docstring.name: docstring.example for docstring in all_docstrings() if docstring.example.strip()}
LANGUAGES = {"python", "diff"}
SMALL = {"n_steps": 16, "batch_size": 16, "n_epochs": 1}


# Blocks that stand as fragments on their pages, and why none of them runs here. They are compiled, and what they import
# of the library is looked up.
NOT_RUN = {
    ("docs/command_line.md", "plastic-rl train agent=ppo_cbp env=my.module:MyEnv-v0"): "my.module is the reader's",
    (
        "docs/command_line.md",
        "plastic-rl train agent=ppo_cbp env=permuted-cartpole start_from=model.zip reset=head",
    ): "so is model.zip",
    ("docs/controls.md", 'WORLD = ("env=permuted-cartpole", "total_steps=300_000")'): "a study takes hours",
    ("docs/other_loops.md", "import lightning"): "Lightning is not installed",
    ("docs/other_loops.md", "import torch"): "TorchRL is not installed",
    ("docs/other_loops.md", "from rsl_rl.runners import OnPolicyRunner"): "rsl_rl is not installed",
    (
        "docs/stable_baselines3.md",
        "import rl_zoo3",
    ): "RL Zoo is not installed; tests/sb3/test_zoo_recipe.py has a stand-in",
    ("docs/stable_baselines3.md", 'sample_ppo = rl_zoo3.hyperparams_opt.HYPERPARAMS_SAMPLER["ppo"]'): "as above",
}
# What a page may give beside Python: of commands, `train.py` and `plastic-rl train` have their settings checked
# (tests/test_docs.py), other commands of `plastic-rl` their word, `python -m` its module, `make` its target and `pip`
# its extras; the arguments of others are not checked. Text and YAML are output.
OTHERS = {"bash", "text", "yaml", ""}
OF_OURS = rf"(?:eval \"\$\()?plastic-rl (?:{'|'.join(COMMANDS)})"
OF_OTHERS = (
    r"make|(?:\.venv/bin/)?pip install|source|apt-get install|(?:\.venv/bin/)?playwright install|ray start|wandb sync"
)
TYPED = re.compile(rf"(?:[A-Z_]+=\S+ )*(?:(?:\.venv/bin/)?python (?:train\.py|-m \S+)|{OF_OURS}|{OF_OTHERS})\b")


@pytest.fixture(autouse=True)
def _in_small(tmp_path, monkeypatch):
    """An empty folder, which is the user's home too; rollouts of a few steps, and a few of them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    known = inspect.signature(PPO.__init__).parameters
    defaults = [SMALL.get(name, known[name].default) for name in known if known[name].default is not inspect._empty]
    monkeypatch.setattr(PPO.__init__, "__defaults__", tuple(defaults))
    learn = OnPolicyAlgorithm.learn

    def learn_a_little(model, total_timesteps, *arguments, **settings):
        return learn(model, min(total_timesteps, 64), *arguments, **settings)

    monkeypatch.setattr(OnPolicyAlgorithm, "learn", learn_a_little)


def languages_of(page):
    return {block.language for block in page.blocks}


def prelude_of(place):
    return Prelude({**MAKERS, **MAKERS_OF.get(place, {})})


def after(difference):
    """The code that the lines of a difference lead to."""
    return "".join(line[1:] for line in difference.splitlines(keepends=True) if not line.startswith("-"))


def run_page(page, place):
    prelude = prelude_of(place)
    for block in page.blocks:
        if block.language in LANGUAGES and not block.is_fragment:
            prelude.run(after(block.text) if block.language == "diff" else block.text, place, block.line)


@pytest.mark.parametrize("place", [place for place, page in PAGES.items() if LANGUAGES & languages_of(page)])
def test_the_code_of_a_page_runs(place, tmp_path):
    write_files(tmp_path)
    run_page(PAGES[place], place)


def test_code_that_does_not_run_is_noticed_unless_it_is_marked_as_a_fragment():
    wrong = "```diff\n-right()\n+nowhere()\n```\n"
    with pytest.raises(NameError, match="nowhere"):
        run_page(Page(ROOT / "README.md", wrong), "README.md")
    run_page(Page(ROOT / "README.md", f"{FRAGMENT}\n{wrong}"), "README.md")


FRAGMENTS = {
    (place, block.text.splitlines()[0]): block.text
    for place, page in PAGES.items()
    for block in page.blocks
    if block.is_fragment
}


def unknown_imports(code):
    """What code imports of the library, and that is not there."""
    imports = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ImportFrom)]
    ours = [(node.module, name.name) for node in imports for name in node.names if node.module.startswith("plastic_rl")]
    return {name for module, name in ours if not hasattr(importlib.import_module(module), name)}


def test_what_does_not_run_is_listed_and_compiles():
    assert FRAGMENTS.keys() == NOT_RUN.keys()
    for code in [code for (_, first), code in FRAGMENTS.items() if not TYPED.match(first)]:
        compile(code, "fragment", "exec")
        assert unknown_imports(code) == set()
    assert unknown_imports("from plastic_rl.layers import hidden_players, hidden_layers") == {"hidden_players"}


def test_nothing_else_stands_in_a_block():
    assert set().union(*map(languages_of, PAGES.values())) == LANGUAGES | OTHERS
    shell = [
        line for page in PAGES.values() for block in page.blocks if block.language == "bash" for line in lines(block)
    ]
    assert [line for line in shell if not TYPED.match(line)] == []


def lines(block):
    """The commands of a block."""
    given = (line.strip() for line in block.text.replace("\\\n", " ").splitlines())
    return [line for line in given if line and not line.startswith("#")]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_of_a_docstring_runs(name):
    if name.endswith("WarpWorlds"):
        pytest.importorskip("mujoco_warp")
    with pytest.raises(SystemExit) if name.endswith("Interruption") else nullcontext():
        prelude_of(name).run(EXAMPLES[name], name)


def test_no_docstring_gives_an_output_that_nobody_compares():
    examples = [example for docstring in all_docstrings() for example in DocTestParser().get_examples(docstring.text)]
    assert examples
    assert [example.source for example in examples if example.want] == []
