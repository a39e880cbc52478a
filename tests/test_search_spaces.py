"""Where better settings may be."""

from dataclasses import fields
from typing import Annotated, get_args, get_origin, get_type_hints

import pytest

from agents import AGENTS, agent_named
from agents.methods import METHODS
from agents.search import SPACES, Among, Between, space_of

WITHOUT_NUMBERS = {
    *("adam_rel", "crelu", "fire", "fourier", "layer_norm", "nap", "optimizer_reset", "plasticity_injection"),
    *("rational", "reset_head", "reset_network", "reset_spread"),
}
"""Methods that nothing is to be searched of: they are there, or not."""


@pytest.mark.parametrize(("owner", "spaces"), SPACES.items(), ids=lambda each: getattr(each, "__name__", ""))
def test_spaces_are_of_settings_that_there_are_and_hold_values_that_they_may_have(owner, spaces):
    hints = get_type_hints(owner, include_extras=True)
    somewhere = {setting.name for agent in AGENTS.values() if issubclass(agent, owner) for setting in fields(agent)}
    for name, space in spaces.items():
        assert name in hints or name in somewhere
        hint = hints.get(name)
        values = space.options if isinstance(space, Among) else (space.low, space.high)
        if get_origin(hint) is Annotated:
            assert all(value in get_args(hint)[1] for value in values), (name, values)
            kind = get_args(hint)[0]
            assert all(type(value) is kind for value in values), (name, values)


def test_every_method_has_a_space_or_nothing_to_search():
    spaceless = {word for word, method in METHODS.items() if not any(kind in SPACES for kind in method.__mro__)}
    assert spaceless == WITHOUT_NUMBERS


@pytest.mark.parametrize("name", ["ppo", "ppo_l2", "sac_cbp", "sgd_shrink_perturb", "hsic", "ppo+cbp+l2_init"])
def test_the_values_of_a_recipe_belong_to_its_spaces(name):
    agent = agent_named(name)()
    for setting, space in space_of(agent).items():
        owner, _, last = setting.rpartition(".")
        assert getattr(getattr(agent, owner) if owner else agent, last) in space


def test_methods_of_a_name_are_searched_by_their_words():
    names = set(space_of(agent_named("ppo+cbp+l2_init")()))
    assert {"learning_rate", "cbp.replacement_rate", "cbp.maturity_threshold", "l2_init.strength"} <= names
    assert "hidden_units" not in names


def test_a_value_outside_widens_a_space():
    assert Between(1e-3, 1e-1).having(0.5) == Between(1e-3, 0.5)
    assert Between(1e-3, 1e-1).having(0.01) == Between(1e-3, 1e-1)
    assert Between(0.1, 0.9, log=False).having(0.0) == Between(0.0, 0.9, log=False)
    assert Between(1e-4, 1e-0).having(0.0) == Among((0.0, 1e-4, 1e-3, 1e-2, 1e-1, 1.0))
    assert Among((1, 2)).having(3) == Among((1, 2, 3))
