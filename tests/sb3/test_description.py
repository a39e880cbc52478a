"""A method in plain words, and back."""

import json
import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from plastic_rl.choices import Utility
from plastic_rl.initialisers import lecun_uniform_
from plastic_rl.optim import ContinualBackprop, ShrinkPerturb, Stack
from plastic_rl.sb3.description import build, describe

NAME = "plastic_rl.optim.continual_backprop:ContinualBackprop"


def test_a_class_alone_has_no_settings():
    assert describe(ContinualBackprop) == {"method": NAME, "settings": {}}


def test_settings_are_plain_values_and_functions_are_names():
    method = partial(ContinualBackprop, replacement_rate=0.5, utility="weight", seed=None, initialiser=lecun_uniform_)
    assert describe(method) == {
        "method": NAME,
        "settings": {
            "replacement_rate": 0.5,
            "utility": "weight",
            "seed": None,
            "initialiser": {"function": "plastic_rl.initialisers:lecun_uniform_"},
        },
    }


def test_partials_of_partials_are_one():
    method = partial(partial(ContinualBackprop, replacement_rate=0.5, seed=1), seed=2)
    assert describe(method)["settings"] == {"replacement_rate": 0.5, "seed": 2}


def test_what_was_described_is_built_again_after_json():
    method = partial(ContinualBackprop, seed=3, initialiser=torch.nn.init.zeros_, utility=Utility.random)
    built = build(json.loads(json.dumps(describe(method))))
    assert isinstance(built, partial)
    assert built.func is ContinualBackprop
    assert built.keywords == {"seed": 3, "initialiser": torch.nn.init.zeros_, "utility": "random"}


def test_what_cannot_be_described_is_named():
    with pytest.raises(ValueError, match=r"settings of .*ContinualBackprop must be given by keyword, got \(1,\)"):
        describe(partial(ContinualBackprop, 1))
    with pytest.raises(ValueError, match=r"decay_rate must be a number, a string.*; got tensor"):
        describe(partial(ContinualBackprop, decay_rate=torch.ones(1)))
    with pytest.raises(ValueError, match=r"<lambda>.*cannot be imported by name"):
        describe(partial(ContinualBackprop, initialiser=lambda tensor, generator=None: tensor))


def test_what_is_no_method_is_refused():
    with pytest.raises(TypeError, match=r"plasticity must be a method .*, got 'cbp'"):
        describe("cbp")


def test_what_only_this_process_calls_main_is_refused(monkeypatch: pytest.MonkeyPatch):
    def initialise(tensor):
        return tensor

    import __main__

    monkeypatch.setattr(__main__, "initialise", initialise, raising=False)
    initialise.__module__, initialise.__qualname__ = "__main__", "initialise"
    with pytest.raises(ValueError, match="define it in a module"):
        describe(partial(ContinualBackprop, initialiser=initialise))


def test_a_description_of_what_is_not_here_says_what_to_do():
    with pytest.raises(ValueError, match=r"saved with 'nowhere:Method', which cannot be imported here.*plasticity="):
        build({"method": "nowhere:Method", "settings": {}})


# Plain values


PLAIN = {"method": "plastic_rl.optim:ContinualBackprop", "settings": {"replacement_rate": 0.5, "seed": None}}
SHRINK = {"method": "plastic_rl.optim.shrink_perturb:ShrinkPerturb", "settings": {"noise_std": 0.1}}


def test_plain_values_are_a_method_by_the_name_of_its_module():
    assert describe(PLAIN) == {"method": NAME, "settings": PLAIN["settings"]}
    assert describe({"method": "plastic_rl.optim:ShrinkPerturb"})["settings"] == {}
    assert describe({"method": NAME, "settings": None}) == {"method": NAME, "settings": {}}


@pytest.mark.parametrize(
    "several",
    [
        [PLAIN, SHRINK],
        (partial(ContinualBackprop, replacement_rate=0.5, seed=None), partial(ShrinkPerturb, noise_std=0.1)),
        Stack((partial(ContinualBackprop, replacement_rate=0.5, seed=None), partial(ShrinkPerturb, noise_std=0.1))),
        [Stack((partial(ContinualBackprop, replacement_rate=0.5, seed=None),)), SHRINK],
    ],
    ids=["plain", "partials", "stack", "both"],
)
def test_several_methods_are_a_list_the_innermost_first(several: Any):
    described = describe(several)
    assert described == [{"method": NAME, "settings": PLAIN["settings"]}, SHRINK]
    built = build(json.loads(json.dumps(described)))
    assert isinstance(built, Stack)
    assert [method.func for method in built.methods] == [ContinualBackprop, ShrinkPerturb]


def test_describing_a_description_changes_nothing():
    described = describe(partial(ContinualBackprop, initialiser=partial(torch.nn.init.orthogonal_, gain=2.0)))
    assert describe(json.loads(json.dumps(described))) == described
    assert described["settings"] == {
        "initialiser": {"function": "torch.nn.init:orthogonal_", "settings": {"gain": 2.0}}
    }
    initialiser = build(described).keywords["initialiser"]
    assert (initialiser.func, initialiser.keywords) == (torch.nn.init.orthogonal_, {"gain": 2.0})


def test_numbers_of_numpy_become_plain():
    method = partial(ContinualBackprop, replacement_rate=np.float32(0.5), maturity_threshold=np.int64(7))
    assert json.dumps(describe(method)["settings"]) == '{"replacement_rate": 0.5, "maturity_threshold": 7}'


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"replacement_rate": 1e-4},
            r"plasticity as plain values is .*got \{'replacement_rate': 0.0001\}",
        ),
        ({"method": 7}, r"plasticity as plain values is"),
        ({**PLAIN, "setting": {}}, r"plasticity as plain values is"),
        ({"method": NAME, "settings": [1]}, r"plasticity as plain values is"),
        ({"method": "ContinualBackprop"}, r"'ContinualBackprop' cannot be imported here: a method is module:Class"),
        ({"method": "plastic_rl.optim:Nothing"}, r"'plastic_rl.optim:Nothing' cannot be imported here"),
        ({"method": "plastic_rl.optim:"}, r"cannot be imported here"),
        ([], r"an empty list"),
    ],
    ids=str,
)
def test_plain_values_of_another_form_are_refused_in_words(given: Any, message: str):
    with pytest.raises(ValueError, match=message):
        describe(given)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"replacment_rate": 0.1}, r"has no setting 'replacment_rate'; did you mean replacement_rate\?"),
        ({"x": 0.1}, r"has no setting 'x'; it has replacement_rate, maturity_threshold, decay_rate"),
        ({"replacement_rate": "1e-4"}, r"must be a number, got '1e-4' \(text: in YAML write 0.0001 or 1.0e-4, with a"),
        ({"replacement_rate": True}, r"replacement_rate must be a number, got True"),
        ({"replacement_rate": 7}, r"replacement_rate must be in \[0, 1\], got 7.0"),
        ({"maturity_threshold": 1.5}, r"maturity_threshold must be a whole number, got 1.5"),
        ({"maturity_threshold": -1}, r"maturity_threshold must be a whole number, 0 or more, got -1"),
        ({"decay_rate": math.nan}, r"decay_rate must be in \[0, 1\], got nan"),
        ({"mode": "exakt"}, r"mode must be one of exact, lazy, instant; got 'exakt'"),
        ({"mode": 1}, r"mode must be a word, got 1"),
        ({"move_mean_to_bias": "no"}, r"move_mean_to_bias must be true or false, got 'no'"),
        ({"seed": "a"}, r"seed must be a whole number, got 'a'"),
        ({"initialiser": "orthogonal_"}, r'initialiser must be a function, as plain values \{"function"'),
    ],
    ids=str,
)
@pytest.mark.parametrize("plain", [True, False], ids=["plain", "partial"])
def test_settings_are_checked_before_anything_is_built(settings: dict[str, Any], message: str, plain: bool):
    before = torch.get_rng_state()
    with pytest.raises(ValueError, match=message):
        describe({"method": NAME, "settings": settings} if plain else partial(ContinualBackprop, **settings))
    assert torch.equal(before, torch.get_rng_state())


def test_a_function_that_is_written_down_has_a_form_too():
    with pytest.raises(ValueError, match=r'a setting that is a function is \{"function": "module:name"\}, got'):
        describe({"method": NAME, "settings": {"initialiser": {"name": "x"}}})


def test_whole_numbers_with_a_point_and_whole_rates_are_taken():
    described = describe({"method": NAME, "settings": {"maturity_threshold": 1000.0, "replacement_rate": 0}})
    assert json.dumps(described["settings"]) == '{"maturity_threshold": 1000, "replacement_rate": 0.0}'


def choosy(optimizer, layers):
    """A method that is a function, and knows what its layers look like."""
    return ContinualBackprop(optimizer, [layer for layer in layers if layer.units > 5])


def test_a_function_is_a_method_too():
    name = f"{choosy.__module__}:choosy"
    assert describe(choosy) == {"method": name, "settings": {}}
    with pytest.raises(ValueError, match=r"has no setting 'rate'; it has $"):
        describe(partial(choosy, rate=1))
