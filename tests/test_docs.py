"""Every name, path, link, command and setting that the documentation gives exists."""

from __future__ import annotations

import re

import pytest

from agents import AGENTS, NAMED
from agents.recipe import ReinforcementAgent, SupervisedAgent
from envs import ENVS
from envs.recipe import SupervisedStream
from plastic_rl.protocols import WORLDS
from tests.docs.commands import refusal, train_commands, unknown_modules, unknown_settings, unknown_targets
from tests.docs.docstrings import Docstring, all_docstrings, broken_references, unknown_names
from tests.docs.pages import ROOT, Page, all_pages, broken_links
from tests.docs.words import unknown_paths, unknown_words

PAGES = {page.path.relative_to(ROOT).as_posix(): page for page in all_pages()}
CHECKS = (unknown_words, unknown_paths, broken_links, unknown_modules, unknown_targets, unknown_settings)
COMMANDS = sorted({words for page in PAGES.values() for words in train_commands(page)})
DOCSTRINGS = all_docstrings()

WRONG = """\
# A heading

[there](README.md) and [not](READ.md), [a heading](#a-heading) and [none](#no-heading), [docs](docs/data.md#the-folder)
and [none there](docs/data.md#the-drawer).

`WatchedLayer.renew` is, `WatchedLayer.observe` was; `plastic_rl.sb3.plastic` is, `plastic_rl.sb3.plastick` is not;
`replacement.silence`, `replacement.loudness`; `ContinualBackprop`, `ContinualBackdrop(optimizer)`; `torch.vmap`,
`torch.wmap`; `exact.Entry.weights`, `exact.Entry.own`; `kernels.gaussian_kernel`, `kernel.gaussian_kernel`;
`replacement_rate=1e-4`, `replacing_rate=1e-4`; `units/dead`, `units/dozing`; `run.json`, `walk.json`;
`plastic_rl/SlipperyAnt-v0`, `plastic_rl/SlipperyAunt-v0`; `agents/ppo.py`, `agents/<name>.py`, `agents/pop.py`.

`agent=ppo env=ant`, `agent=pop`, `env=aunt`; `agent.epochs=3`, `agent.epoch=3`, `agent=ppo agent.momentum=0.9`,
`env.images=fashion-mnist`, `env.images=paintings`, `make test`, `make tea`, `pip install -e '.[train]'`.

```bash
python -m plastic_rl.doctor model.zip   # agent=ppo and what not
python -m plastic_rl.nurse model.zip
python docs/images/environments/draw.py && python draw.py
pip install -e '.[trains]'
python train.py agent=ppo_cbp env=slippery-ant agent.replacement_rate=often
```
"""


def test_the_pages_are_read():
    assert len(PAGES) > 10
    assert len(COMMANDS) > 10
    assert sum(len(page.spans) for page in PAGES.values()) > 600


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("place", PAGES)
def test_all_that_a_page_names_exists(place, check):
    assert check(PAGES[place]) == set()


@pytest.mark.parametrize(
    ("check", "found"),
    [
        (
            unknown_words,
            {
                *("WatchedLayer.observe", "plastic_rl.sb3.plastick", "replacement.loudness", "ContinualBackdrop"),
                *(
                    "torch.wmap",
                    "exact.Entry.own",
                    "kernel.gaussian_kernel",
                    "replacing_rate",
                    "units/dozing",
                    "walk.json",
                ),
                *("plastic_rl/SlipperyAunt-v0", "agents/pop.py"),
            },
        ),
        (unknown_paths, {"plastic_rl/SlipperyAunt-v0", "agents/pop.py"}),
        (broken_links, {"READ.md", "#no-heading", "docs/data.md#the-drawer"}),
        (unknown_modules, {"plastic_rl.nurse", "draw.py"}),
        (unknown_targets, {"tea", "trains"}),
        (
            unknown_settings,
            {
                *("agent=pop", "env=aunt", "agent.epoch=3", "agent.momentum=0.9", "env.images=paintings"),
            },
        ),
    ],
)
def test_what_does_not_exist_is_noticed(check, found):
    assert check(Page(ROOT / "WRONG.md", WRONG)) == found


def test_the_command_that_takes_no_such_value_is_refused():
    (command,) = train_commands(Page(ROOT / "WRONG.md", WRONG))
    assert "replacement_rate" in refusal(command, whole_sweep=False)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_composes(words):
    assert refusal(words, whole_sweep=False) is None


@pytest.mark.slow
@pytest.mark.parametrize("words", [words for words in COMMANDS if "-m" in words], ids=" ".join)
def test_every_run_of_a_sweep_composes(words):
    assert refusal(words, whole_sweep=True) is None


def described(recipes, kind):
    return {name: recipe.__doc__.splitlines()[0] for name, recipe in recipes.items() if issubclass(recipe, kind)}


@pytest.mark.parametrize(
    ("place", "agents"),
    [
        ("README.md", described(AGENTS, ReinforcementAgent)),
        ("docs/streams.md", described(NAMED, SupervisedAgent)),
    ],
)
def test_agents_are_described_as_by_their_recipes(place, agents):
    """A new agent for worlds needs a row in the README, one with a file of its own for streams a row in the other."""
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|$", PAGES[place].text, re.MULTILINE)
    assert sorted(rows) == sorted(agents.items())


def test_every_world_and_every_stream_is_on_its_page():
    streams = {name for name, recipe in ENVS.items() if issubclass(recipe, SupervisedStream)}
    assert streams - set(PAGES["docs/streams.md"].spans) == set()
    assert set(WORLDS) - set(PAGES["docs/environments.md"].spans) == set()


def test_every_room_has_its_place_in_contributing():
    packages = {path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("plastic_rl/*/__init__.py")}
    assert packages - {span.rstrip("/") for span in PAGES["CONTRIBUTING.md"].spans} == set()


def test_all_that_docstrings_refer_to_exists():
    assert len(DOCSTRINGS) > 500
    missing = {
        docstring.name: found
        for docstring in DOCSTRINGS
        if (found := broken_references(docstring) | unknown_names(docstring) | unknown_paths(docstring))
    }
    assert missing == {}


def test_what_a_docstring_refers_to_in_vain_is_noticed():
    text = (
        ":class:`WatchedLayer`, :meth:`renew`, :func:`plastic_rl.sb3.plastic`, :mod:`a <plastic_rl.sb3>`; "
        ":meth:`observe`, :func:`plastic_rl.sb3.plastick`, :func:`plastic_rl.sb3\n.plastic`; `WatchedLayer.observe`; "
        "tests/docs/nurse.py"
    )
    docstring = Docstring("plastic_rl.optim.watched_layer", "WatchedLayer.watch", text)
    assert broken_references(docstring) == {"observe", "plastic_rl.sb3.plastick", "plastic_rl.sb3\n.plastic"}
    assert unknown_names(docstring) == {"WatchedLayer.observe"}
    assert unknown_paths(docstring) == {"tests/docs/nurse.py"}
