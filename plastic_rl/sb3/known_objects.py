"""The objects that a description of a pickle may be made into: spaces, arrays, plain containers, networks by name.

Each is made by a recipe of its own from checked parts. What has no recipe is refused by name.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from plastic_rl.sb3.inert_pickle import Described, origin

PLAIN = (bool, int, float, str, bytes, type(None))

# Where classes of networks may come from, by the full name of the class. None of these modules does anything when it is
# imported, and none of these classes anything but make a network when it is called.
NETWORKS = re.compile(
    r"(stable_baselines3|sb3_contrib)(\.\w+)*\.(policies|torch_layers)\.\w+"
    r"|plastic_rl\.sb3\.\w+\.\w+"
    r"|plastic_rl\.networks\.activations\.\w+\.\w+"
    r"|torch\.nn\.modules\.activation\.\w+",
    re.ASCII,
)
NETWORK_KINDS = (BasePolicy, BaseFeaturesExtractor, nn.Module)

NUMBERS = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248])", re.ASCII)


class Refused(ValueError):
    """Something in a pickle that is not made; the message names it."""


def known(description: Any) -> Any:
    """The object that a description stands for.

    Raises:
        Refused: it, or something in it, is none of those that are known to be harmless.
    """
    try:
        return _known(description)
    except Refused:
        raise
    except Exception as error:  # what holds itself, or cannot be a key
        raise Refused(f"objects that nothing makes ({type(error).__name__})") from error


def _known(description: Any) -> Any:
    if isinstance(description, PLAIN):
        return description
    if isinstance(description, list | tuple | set | frozenset):
        return type(description)(_known(part) for part in description)
    if isinstance(description, dict):
        return {_known(key): _known(value) for key, value in description.items()}
    name = origin(description)
    if name is not None:
        return network_class(name)
    if isinstance(description, Described) and _recipe(description) is not None:
        return _made(description)
    if isinstance(description, Described) and description.origin.startswith("cloudpickle."):
        raise Refused("a class or function that it brings along")
    raise Refused(getattr(description, "origin", type(description).__name__))


def network_class(name: str) -> type[Any]:
    """A class of networks by its full name, from the libraries whose networks are known.

    Raises:
        Refused: there is none of this name there.
    """
    module, _, attribute = name.rpartition(".")
    if NETWORKS.fullmatch(name):
        try:
            found = getattr(importlib.import_module(module), attribute, None)
        except ImportError as error:
            raise Refused(f"{name} (which is not installed here)") from error
        if isinstance(found, type) and issubclass(found, NETWORK_KINDS) and found.__module__ == module:
            return found
    raise Refused(name)


def _recipe(description: Described) -> Callable[[Described], Any] | None:
    # What is now called `numpy._core` and `gymnasium` was `numpy.core` and `gym`.
    name = description.origin.replace("numpy.core.", "numpy._core.", 1)
    return RECIPES.get(re.sub(r"^gym\.", "gymnasium.", name))


def _made(description: Described) -> Any:
    recipe = _recipe(description)
    assert recipe is not None
    try:
        return recipe(description)
    except Refused:
        raise
    except Exception as error:  # parts that do not fit together
        raise Refused(f"a damaged {description.origin} ({error})") from error


def _state(description: Described) -> dict[str, Any]:
    if not isinstance(description.state, dict):
        raise Refused(f"a damaged {description.origin}")
    return description.state


# Numbers.


def _dtype(description: Any) -> np.dtype:
    """A type of numbers: never of objects, through which an array would be a pickle again."""
    if isinstance(description, Described) and description.origin == "numpy.dtype":
        name, order = description.arguments[0], "|" if description.state is None else description.state[1]
        if isinstance(name, str) and NUMBERS.fullmatch(name) and order in ("<", ">", "|", "="):
            return np.dtype(name).newbyteorder(order)
    raise Refused(f"numbers of an unknown type {getattr(description, 'arguments', description)!r}")


def _shape(description: Any) -> tuple[int, ...]:
    if isinstance(description, tuple) and all(type(size) is int for size in description):
        return description
    raise Refused(f"an array of shape {description!r}")


def _array(data: Any, dtype: Any, shape: Any, order: str) -> np.ndarray:
    kind = _dtype(dtype)
    if not isinstance(data, bytes | bytearray):
        raise Refused(f"numbers in a {type(data).__name__}")
    array = np.frombuffer(bytes(data), kind)
    return array.reshape(_shape(shape), order="F" if order == "F" else "C").copy()


def _from_buffer(description: Described) -> np.ndarray:
    data, dtype, shape, order, *axes = description.arguments
    array = _array(data, dtype, shape, order)
    return array.transpose(_shape(axes[0])) if order == "K" and axes and axes[0] is not None else array


def _reconstructed(description: Described) -> np.ndarray:
    _, shape, dtype, is_fortran, data = description.state
    return _array(data, dtype, shape, "F" if is_fortran else "C")


def _scalar(description: Described) -> Any:
    dtype, data = description.arguments
    return _array(data, dtype, (1,), "C")[0]


# Containers and spaces.


def _ordered_dict(description: Described) -> dict[Any, Any]:
    pairs = description.arguments[0] if description.arguments else []
    return {_known(key): _known(value) for key, value in [*pairs, *description.items.items()]}


def _box(description: Described) -> spaces.Space[Any]:
    state = _state(description)
    low, high = _known(state["low"]), _known(state["high"])
    return spaces.Box(low, high, dtype=_dtype(state["dtype"]).type)


def _discrete(description: Described) -> spaces.Space[Any]:
    state = _state(description)
    return spaces.Discrete(int(_known(state["n"])), start=int(_known(state.get("start", 0))))


def _multi_discrete(description: Described) -> spaces.Space[Any]:
    state = _state(description)
    start = state.get("start")
    return spaces.MultiDiscrete(_known(state["nvec"]), start=None if start is None else _known(start))


def _multi_binary(description: Described) -> spaces.Space[Any]:
    return spaces.MultiBinary(_known(_state(description)["n"]))


def _dict(description: Described) -> spaces.Space[Any]:
    return spaces.Dict(_known(_state(description)["spaces"]))


# Networks that lack nothing but what they are built with.


def _partial(description: Described) -> partial[Any]:
    """A class of networks with settings (:func:`plastic_rl.sb3.trunk`): plain values, and no other function."""
    function, arguments, settings, attributes = description.state
    name = origin(function)
    if name is None or arguments or attributes or not _are_plain(settings):
        raise Refused("functools.partial of something else than a class of networks and plain values")
    return partial(network_class(name), **settings)


def _are_plain(settings: Any) -> bool:
    return isinstance(settings, dict) and all(isinstance(each, PLAIN) for pair in settings.items() for each in pair)


RECIPES: dict[str, Callable[[Described], Any]] = {
    "numpy.dtype": _dtype,
    "numpy._core.numeric._frombuffer": _from_buffer,
    "numpy._core.multiarray._reconstruct": _reconstructed,
    "numpy._core.multiarray.scalar": _scalar,
    "collections.OrderedDict": _ordered_dict,
    "gymnasium.spaces.box.Box": _box,
    "gymnasium.spaces.discrete.Discrete": _discrete,
    "gymnasium.spaces.multi_discrete.MultiDiscrete": _multi_discrete,
    "gymnasium.spaces.multi_binary.MultiBinary": _multi_binary,
    "gymnasium.spaces.dict.Dict": _dict,
    "functools.partial": _partial,
}
