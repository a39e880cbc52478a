"""Objects out of pickles without unpickling: those that are known come out as they went in, all others by name."""

import os
import pickle
import sys
from collections import OrderedDict
from functools import partial

import cloudpickle
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import NatureCNN

from plastic_rl.networks import AID
from plastic_rl.sb3 import trunk
from plastic_rl.sb3.inert_pickle import described, origin
from plastic_rl.sb3.known_objects import Refused, known


def through(value, protocol=pickle.HIGHEST_PROTOCOL):
    return known(described(cloudpickle.dumps(value, protocol=protocol)))


SPACES = [
    spaces.Box(-1.5, 2.0, (3,), np.float32),
    spaces.Box(np.array([-np.inf, 0.0]), np.array([1.0, np.inf]), dtype=np.float64),
    spaces.Box(0, 255, (3, 4, 5), np.uint8),
    spaces.Discrete(5, start=-2),
    spaces.MultiDiscrete([2, 3, 4]),
    spaces.MultiBinary(7),
    spaces.Dict({"b": spaces.Discrete(2), "a": spaces.Dict({"inner": spaces.Box(0, 1, (2, 2), np.float32)})}),
]


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("space", SPACES, ids=str)
def test_spaces_come_out_as_they_went_in(space, protocol):
    space.seed(0)  # saved spaces may have a generator, which is left where it is
    found = through(space, protocol)
    assert found == space
    assert type(found) is type(space)
    assert found.dtype == space.dtype


ARRAYS = [
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.arange(24, dtype=np.uint8).reshape(2, 3, 4).transpose(0, 2, 1),
    np.array([True, False]),
    np.arange(3, dtype=">i4"),
    np.float64(2.5),
    np.zeros((0, 4)),
]


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype} {array.shape}")
def test_arrays_come_out_as_they_went_in(array, protocol):
    found = through(array, protocol)
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_plain_values_and_classes_of_networks_come_out_as_they_went_in():
    kwargs = {
        "net_arch": {"pi": [64, 64], "vf": (32,)},
        "activation_fn": torch.nn.ELU,
        "features_extractor_class": NatureCNN,
        "features_extractor_kwargs": OrderedDict(features_dim=7),
        "ortho_init": False,
        "log_std_init": -1.5,
    }
    assert through(kwargs) == kwargs
    assert through(ActorCriticPolicy) is ActorCriticPolicy


def test_a_trunk_comes_out_as_it_went_in_and_other_partials_do_not():
    (made,) = trunk(normalization="layer").values()
    found = through(made)
    assert (found.func, found.args, found.keywords) == (made.func, (), {"normalization": "layer"})
    for hostile in (partial(os.system, "true"), partial(made.func, "true"), partial(torch.nn.ELU, alpha=os.system)):
        with pytest.raises(Refused, match=r"functools\.partial of something else than a class of networks"):
            through(hostile)
    assert through(AID) is AID
    with pytest.raises(Refused, match=r"torch\.nn\.modules\.linear\.Linear"):
        through(partial(torch.nn.Linear, in_features=2))


def test_old_names_of_gym_and_numpy_are_read_as_those_of_today():
    space = spaces.Box(0, 1, (2,), np.float32)
    program = pickle.dumps(space, protocol=3)
    old = program.replace(b"cgymnasium.", b"cgym.").replace(b"cnumpy._core.", b"cnumpy.core.")
    assert len(old) < len(program)
    assert known(described(old)) == space


class OfMyOwn:
    pass


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (OfMyOwn(), r"test_known_objects\.OfMyOwn"),
        (OfMyOwn, r"test_known_objects\.OfMyOwn"),
        ({"deep": [OfMyOwn()]}, r"test_known_objects\.OfMyOwn"),
        (print, r"builtins\.print"),
        (lambda: 0, "a class or function that it brings along"),
        (torch.optim.Adam, r"torch\.optim\.adam\.Adam"),
        (torch.nn.Linear, r"torch\.nn\.modules\.linear\.Linear"),
        (np.array([OfMyOwn()], dtype=object), "unknown type"),
        (np.random.default_rng(0), r"numpy\.random"),
        (spaces.Text(3), r"gymnasium\.spaces\.text\.Text"),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_what_is_not_known_is_refused_by_name(value, name):
    with pytest.raises(Refused, match=name):
        through(value)


def named(module, name):
    return known(described(f"c{module}\n{name}\n.".encode()))


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("stable_baselines3.common.policies", "warnings"),
        ("stable_baselines3.common.policies", "ABC"),
        ("stable_baselines3.common.policies", "nn.Module"),
        ("stable_baselines3.common.policies", "create_mlp"),
        ("stable_baselines3.common.save_util", "load_from_pkl"),
        ("stable_baselines3.nowhere.policies", "Policy"),
        ("torch.nn.modules.activation", "F"),
        ("plastic_rl.sb3.known_objects", "network_class"),
        ("plastic_rl.sb3.plastic", "BaseAlgorithm"),
    ],
)
def test_a_known_module_gives_its_networks_and_nothing_else(module, name):
    with pytest.raises(Refused):
        named(module, name)


def test_names_are_not_imported():
    sys.modules.pop("this", None)
    description = described(b"cthis\ns\n.")
    assert origin(description) == "this.s"
    with pytest.raises(Refused, match=r"this\.s"):
        known(description)
    assert "this" not in sys.modules


@pytest.mark.parametrize(
    "program",
    [
        b"cstable_baselines3.common.policies\nActorCriticPolicy\n(N}S'forward'\nI1\nstb.",  # a state with slots
        b"cstable_baselines3.common.policies\nActorCriticPolicy\n}S'forward'\nI1\nsb.",  # a state
        b"cstable_baselines3.common.policies\nActorCriticPolicy\nS'forward'\nI1\ns.",  # an item
    ],
)
def test_a_class_that_is_named_cannot_be_changed(program):
    forward = ActorCriticPolicy.forward
    with pytest.raises(ValueError, match="no pickle that can be read"):
        described(program)
    assert ActorCriticPolicy.forward is forward


@pytest.mark.parametrize("data", [b"", b"nonsense", b"(", b"\x80\x05\x95\xff", b"Pname\n.", b"\x82\x01."])
def test_what_is_no_pickle_of_plain_objects_is_refused(data):
    with pytest.raises(ValueError, match="no pickle that can be read"):
        described(data)


def test_what_holds_itself_is_refused():
    loop = []
    loop.append(loop)
    with pytest.raises(Refused, match="RecursionError"):
        through(loop)


def test_sizes_stand_for_no_memory():
    """`bytes(n)` would be n zeros."""
    program = pickle.dumps(np.zeros(2), protocol=3).replace(b"C\x10" + bytes(16), b"J\xff\xff\xff\x7f")
    assert b"J\xff\xff\xff\x7f" in program
    with pytest.raises(Refused, match="numbers in a int"):
        known(described(program))
