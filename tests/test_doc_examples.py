"""The Python examples of the pages and of the docstrings run as they stand."""

from __future__ import annotations

import inspect
from contextlib import nullcontext
from doctest import DocTestParser

import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from tests.docs.docstrings import all_docstrings
from tests.docs.makers import MAKERS, MAKERS_OF, write_files
from tests.docs.pages import FRAGMENT, ROOT, Page, all_pages
from tests.docs.prelude import Prelude

PAGES = {page.path.relative_to(ROOT).as_posix(): page for page in all_pages()}
EXAMPLES = {docstring.name: docstring.example for docstring in all_docstrings() if docstring.example.strip()}
LANGUAGES = {"python", "diff"}
SMALL = {"n_steps": 16, "batch_size": 16, "n_epochs": 1}


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
