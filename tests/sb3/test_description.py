"""A method in plain words, and back."""

import json
from functools import partial

import pytest
import torch

from plastic_rl.choices import Utility
from plastic_rl.initialisers import lecun_uniform_
from plastic_rl.optim import ContinualBackprop
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
