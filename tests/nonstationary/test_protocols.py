"""One world, two doors: a name after `env=` and the id of the same world agree, and the page says the same."""

from __future__ import annotations

import re
from pathlib import Path

import gymnasium
import pytest

from envs import ENVS
from envs.ant import Ant
from envs.recipe import World
from plastic_rl.protocols import ANT_SETTINGS, WORLDS

RECIPES = {recipe.__name__: recipe for recipe in ENVS.values() if issubclass(recipe, World)}
PACKAGES = {"NoisyLunarLander": "Box2D", "MinAtarChain": "minatar"}
PAGE = Path(__file__).parents[2] / "docs" / "environments.md"


@pytest.fixture(params=sorted(WORLDS))
def name(request) -> str:
    if request.param in PACKAGES:
        pytest.importorskip(PACKAGES[request.param])
    return request.param


def test_every_registered_world_has_a_recipe_and_every_recipe_a_world():
    assert RECIPES.keys() == WORLDS.keys()


def test_the_recipe_and_the_id_make_the_same_world(name):
    recipe = RECIPES[name]()
    seed = {"seed": 3} if recipe.is_drawn else {}
    one = recipe.build(seed=3)
    other = gymnasium.make(f"plastic_rl/{name}-v0", copies=recipe.n_envs, **seed)
    assert one.get_wrapper_attr("schedule") == other.get_wrapper_attr("schedule")
    for index in range(4):
        assert one.get_wrapper_attr("parameters")(index) == other.get_wrapper_attr("parameters")(index)
    assert (one.observation_space, one.action_space) == (other.observation_space, other.action_space)
    assert one.spec.max_episode_steps == other.spec.max_episode_steps == WORLDS[name].max_episode_steps
    assert one.spec.kwargs == other.spec.kwargs
    assert str(one) == str(other)


def test_the_recipe_and_the_id_have_the_same_values_by_the_same_names(name):
    registered = gymnasium.spec(f"plastic_rl/{name}-v0").kwargs
    recipe = RECIPES[name]()
    assert recipe.keywords().items() <= registered.items()
    assert "change_every" in recipe.keywords()
    assert registered == WORLDS[name].keywords


def test_a_setting_of_the_recipe_reaches_the_world(name):
    recipe = RECIPES[name](change_every=17)
    assert recipe.build(seed=0).spec.kwargs["change_every"] == 17


def test_a_world_that_does_not_change_is_made_of_the_same_values():
    assert ANT_SETTINGS.items() <= Ant().build(seed=0).spec.kwargs.items()


def paces() -> dict[str, int]:
    """What the page says of how often each world changes."""
    rows = re.findall(r"^\| !\[\]\S+ \| (.+?) \|.*? \| ([\d,; ]+) \|", PAGE.read_text(), re.MULTILINE)
    said: dict[str, int] = {}
    for cell, numbers in rows:
        names = re.findall(r"`(\w+)`", cell)
        steps = [int(number.replace(",", "")) for number in numbers.split(";")]
        said |= dict(zip(names, steps if len(steps) > 1 else steps * len(names), strict=True))
    return said


def test_the_page_says_how_often_each_world_changes():
    assert paces() == {name: world.change_every for name, world in WORLDS.items()}
